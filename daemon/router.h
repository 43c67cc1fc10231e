/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_ROUTER_H
#define KG_ROUTER_H

#include "client-core/operations.h"
#include "daemon/guard.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Paths (api-design 2): the routes of routes.def, percent-decoding of one segment at a
 * time, and the rules for names. Steps 5 and 6 of the order of checks. Pure.
 */

enum kg_route {
#define KG_ROUTE(name, method, template, endpoint) KG_ROUTE_##name,
#include "daemon/routes.def"
#undef KG_ROUTE
	KG_ROUTE_COUNT,
};

enum { KG_ROUTER_VALUES_MAX = 2 };

struct kg_router_match {
	enum kg_route route;
	/* In the order of the template; spans into the target, where they were
	 * decoded. */
	struct kdb_bytes values[KG_ROUTER_VALUES_MAX];
	size_t value_count;
	/* To be answered with 204 and Allow; no route's endpoint is meant. */
	bool is_options;
	char allow[64]; /* value of the Allow header; set when it is to be sent */
};

/* Finds the route and decodes the path in place; the query stays as it is, but every name
 * and value in it is known to be decodable. False: *refusal is set. match->route is
 * KG_ROUTE_COUNT until it is known. */
bool kg_router_find(const char *method, struct kg_target *target, size_t max_name_bytes,
    struct kg_router_match *match, struct kg_refusal *refusal);

/* The template of a route, such as "/v1/streams/{stream}/events"; KG_ROUTE_COUNT:
 * "other". */
const char *kg_router_template(enum kg_route route);

/* Whether percent escapes are whole and decode to UTF-8 without a NUL. */
bool kg_router_is_decodable(const char *text, size_t len);

/* Decodes the percent escapes of a decodable text in place; returns the new length. */
size_t kg_router_decode(char *text, size_t len);

#endif
