/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_RECORDED_REFUSALS_H
#define TESTS_UNIT_RECORDED_REFUSALS_H

#include "client-core/status.h"

/* The status with which a server of that version answered that probe. Its details are valid
 * until the program ends, or the same is asked for again. */
struct kdb_status recorded_refusal(const char *server, const char *probe);

#endif
