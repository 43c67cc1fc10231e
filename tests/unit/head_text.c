/* SPDX-License-Identifier: Apache-2.0 */
/* Makes heads for tests. Owns the copy of the text that the head's spans point into. */
#include "tests/unit/head_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
add_field(struct head_text *made, char *line)
{
	char *colon = strchr(line, ':');
	char *value;

	assert(colon != NULL && made->head.field_count <= KG_HEAD_FIELDS_MAX);
	value = colon + 1;
	if (*value == ' ')
		value++;
	made->fields[made->head.field_count++] =
	    (struct kg_head_field){line, (size_t)(colon - line), value, strlen(value)};
}

void
head_text_init(struct head_text *made, const char *text)
{
	char *rest;
	char *line;

	memset(made, 0, sizeof *made);
	made->storage = rest = strdup(text);
	line = strsep(&rest, "\n");
	made->head.size = strlen(text);
	made->head.method = strsep(&line, " ");
	made->head.target = line == NULL ? strchr(made->head.method, '\0') : line;
	made->head.target_len = strlen(made->head.target);
	made->head.fields = made->fields;
	made->head.is_tcp = true;
	while ((line = strsep(&rest, "\n")) != NULL)
		add_field(made, line);
	kg_head_index(&made->head);
}

void
head_text_dispose(struct head_text *made)
{
	free(made->storage);
}
