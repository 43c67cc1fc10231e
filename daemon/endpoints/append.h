/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_ENDPOINTS_APPEND_H
#define KG_ENDPOINTS_APPEND_H

#include "daemon/request.h"

/* What both forms of an append have in common once the body was read (see
 * kg_endpoint). */
void kg_append_limits_get(
    const struct kg_request *request, struct kg_append_limits *limits);
struct kdb_operation *kg_append_prepare(struct kg_request *request);
void kg_append_encode(struct kg_request *request);
bool kg_append_is_supported(const struct kdb_client_status *status);

#endif
