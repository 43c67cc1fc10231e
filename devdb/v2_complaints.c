/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that validation finds, and the BadRequest made of them. Owns the texts. */
#include "devdb/v2_complaints.h"

#include "client-core/base/alloc.h"
#include "devdb/v2_refusals.h"
#include "devdb/wire.h"
#include "proto/rpc_status.pb-c.h"

#include <stdlib.h>

/* A name may be quoted in a text and in the text about all. */
#define MAX_TEXT_BYTES ((size_t)1 << 30)

/* More than any client takes; of those beyond only the last is kept. */
#define MAX_COMPLAINTS 4096

#define BAD_REQUEST Google__Rpc__BadRequest
#define VIOLATION Google__Rpc__BadRequest__FieldViolation

static void
drop(struct devdb_v2_complaint *complaint)
{
	kdb_buffer_dispose(&complaint->field);
	kdb_buffer_dispose(&complaint->text);
}

struct devdb_v2_complaint *
devdb_v2_complain(
    struct devdb_v2_complaints *complaints, const char *field, const char *text)
{
	struct devdb_v2_complaint *complaint;

	if (!complaints->items)
		complaints->items = kdb_alloc_zero(1, sizeof *complaints->items);
	else if (complaints->count < MAX_COMPLAINTS)
		complaints->items = kdb_realloc(complaints->items,
		    (complaints->count + 1) * sizeof *complaints->items);
	else
		drop(&complaints->items[--complaints->count]);
	complaint = &complaints->items[complaints->count++];
	kdb_buffer_init(&complaint->field, MAX_TEXT_BYTES);
	kdb_buffer_init(&complaint->text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&complaint->field, field);
	kdb_buffer_put_text(&complaint->text, text);
	return complaint;
}

static void
put_all(struct kdb_buffer *out, const struct devdb_v2_complaints *complaints)
{
	if (complaints->count == 1) {
		kdb_buffer_put_char(out, ' ');
		kdb_buffer_put(
		    out, complaints->items->text.data, complaints->items->text.len);
		return;
	}
	kdb_buffer_put_char(out, '\n');
	for (size_t i = 0; i < complaints->count; i++) {
		kdb_buffer_put_text(out, " -- ");
		kdb_buffer_put(
		    out, complaints->items[i].text.data, complaints->items[i].text.len);
		kdb_buffer_put_char(out, '\n');
	}
}

static void
refuse(const struct devdb_v2_complaints *complaints, struct devdb_call *call,
    const char *request)
{
	BAD_REQUEST detail = GOOGLE__RPC__BAD_REQUEST__INIT;
	VIOLATION *violations = kdb_alloc_zero(complaints->count, sizeof *violations);
	VIOLATION **list = kdb_alloc_zero(complaints->count, sizeof *list);
	struct kdb_buffer text;

	for (size_t i = 0; i < complaints->count; i++) {
		const struct devdb_v2_complaint *complaint = &complaints->items[i];

		list[i] = &violations[i];
		violations[i] =
		    (VIOLATION)GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
		violations[i].has_field = violations[i].has_description = true;
		violations[i].field =
		    devdb_wire_bytes(complaint->field.data, complaint->field.len);
		violations[i].description =
		    devdb_wire_bytes(complaint->text.data, complaint->text.len);
	}
	detail.n_field_violations = complaints->count;
	detail.field_violations = list;
	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_printf(&text, "The '%s' is invalid:", request);
	put_all(&text, complaints);
	devdb_v2_refuse(call, &devdb_v2_bad_request, &text, &detail.base);
	kdb_buffer_dispose(&text);
	free(list);
	free(violations);
}

bool
devdb_v2_complaints_refuse(
    struct devdb_v2_complaints *complaints, struct devdb_call *call, const char *request)
{
	bool has_any = complaints->count > 0;

	if (has_any)
		refuse(complaints, call, request);
	for (size_t i = 0; i < complaints->count; i++)
		drop(&complaints->items[i]);
	free(complaints->items);
	*complaints = (struct devdb_v2_complaints){0};
	return has_any;
}
