/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at nodes with a thread of its own for each look, because resolving a name blocks. Owns
 * what was found, and shares a look with its thread. */
#include "client-core/diagnosis.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/handshake.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FINDINGS_MAX = 16, TIMEOUT_MS = 3000, FAREWELL_MS = 1000 };

/* A finding is told as long as this; then the node is looked at again. */
#define FRESH_NS (3 * KDB_NS_PER_SECOND)

struct finding {
	struct kdb_endpoint endpoint;
	int64_t at_mono_ns;
	char cause[KDB_CAUSE_SIZE]; /* "": nothing that TLS could tell */
};

/* Shared by the diagnosis and the thread: whoever is last frees it. */
struct look {
	atomic_uint refs;
	struct kdb_endpoint endpoint;
	struct kdb_pem *pem;
	char *roots_name;
	int cancel_fd;
	pthread_mutex_t mutex;
	pthread_cond_t done;
	bool is_done;
	char cause[KDB_CAUSE_SIZE];
};

struct kdb_diagnosis {
	struct kdb_trust *trust;
	struct look *look; /* under way; NULL: none */
	struct finding findings[FINDINGS_MAX];
	size_t finding_count;
};

static void
unref_look(struct look *look)
{
	if (!look || atomic_fetch_sub(&look->refs, 1) != 1)
		return;
	close(look->cancel_fd);
	pthread_cond_destroy(&look->done);
	pthread_mutex_destroy(&look->mutex);
	kdb_pem_unref(look->pem);
	free(look->roots_name);
	free(look);
}

static void *
run_look(void *argument)
{
	struct look *look = argument;
	struct kdb_handshake_options options = {.endpoint = look->endpoint,
	    .pem = look->pem,
	    .roots_name = look->roots_name,
	    .cancel_fd = look->cancel_fd,
	    .timeout_ms = TIMEOUT_MS};
	char cause[KDB_CAUSE_SIZE];
	bool is_found = kdb_handshake_find_cause(&options, cause, sizeof cause);

	pthread_mutex_lock(&look->mutex);
	if (is_found)
		memcpy(look->cause, cause, sizeof cause);
	look->is_done = true;
	pthread_cond_signal(&look->done);
	pthread_mutex_unlock(&look->mutex);
	unref_look(look);
	return NULL;
}

/* Signals are the business of the other threads. */
static bool
start_thread(struct look *look)
{
	pthread_attr_t attributes;
	sigset_t all;
	pthread_t thread;
	bool is_started;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setsigmask_np(&attributes, &all);
	is_started = pthread_create(&thread, &attributes, run_look, look) == 0;
	pthread_attr_destroy(&attributes);
	return is_started;
}

static void
begin_look(struct kdb_diagnosis *diagnosis, const struct kdb_endpoint *endpoint)
{
	const char *roots_name = kdb_trust_roots_name(diagnosis->trust);
	int cancel_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_condattr_t attributes;
	struct look *look;

	if (cancel_fd < 0)
		return;
	look = kdb_alloc_zero(1, sizeof *look);
	atomic_store(&look->refs, 2);
	look->endpoint = *endpoint;
	look->pem = kdb_trust_pem(diagnosis->trust);
	look->roots_name = kdb_alloc_text(roots_name, strlen(roots_name));
	look->cancel_fd = cancel_fd;
	pthread_mutex_init(&look->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&look->done, &attributes);
	pthread_condattr_destroy(&attributes);
	diagnosis->look = look;
	if (start_thread(look))
		return;
	look->is_done = true; /* and tells nothing */
	unref_look(look);
}

static struct finding *
find_finding(struct kdb_diagnosis *diagnosis, const struct kdb_endpoint *endpoint)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++)
		if (kdb_endpoint_equals(&diagnosis->findings[i].endpoint, endpoint))
			return &diagnosis->findings[i];
	return NULL;
}

/* The endpoint's own place, else a new one, else that of the oldest. */
static struct finding *
place_of(struct kdb_diagnosis *diagnosis, const struct kdb_endpoint *endpoint)
{
	struct finding *place = find_finding(diagnosis, endpoint);

	if (place)
		return place;
	if (diagnosis->finding_count < FINDINGS_MAX)
		return &diagnosis->findings[diagnosis->finding_count++];
	place = &diagnosis->findings[0];
	for (size_t i = 1; i < FINDINGS_MAX; i++)
		if (diagnosis->findings[i].at_mono_ns < place->at_mono_ns)
			place = &diagnosis->findings[i];
	return place;
}

/* What the look that was under way has found; NULL: none has ended. */
static struct finding *
take_finding(struct kdb_diagnosis *diagnosis, int64_t now_mono_ns)
{
	struct look *look = diagnosis->look;
	struct finding *place;
	bool is_done;

	if (!look)
		return NULL;
	pthread_mutex_lock(&look->mutex);
	is_done = look->is_done;
	pthread_mutex_unlock(&look->mutex);
	if (!is_done)
		return NULL;
	place = place_of(diagnosis, &look->endpoint);
	place->endpoint = look->endpoint;
	place->at_mono_ns = now_mono_ns;
	memcpy(place->cause, look->cause, sizeof place->cause);
	diagnosis->look = NULL;
	unref_look(look);
	return place;
}

struct kdb_diagnosis *
kdb_diagnosis_new(struct kdb_trust *trust)
{
	struct kdb_diagnosis *diagnosis = kdb_alloc_zero(1, sizeof *diagnosis);

	diagnosis->trust = trust;
	return diagnosis;
}

static void
end_look(struct look *look)
{
	const uint64_t one = 1;
	int64_t until_mono_ns = kdb_clock_mono_ns() + FAREWELL_MS * KDB_NS_PER_MS;
	struct timespec until = {.tv_sec = until_mono_ns / KDB_NS_PER_SECOND,
	    .tv_nsec = until_mono_ns % KDB_NS_PER_SECOND};
	int error = write(look->cancel_fd, &one, sizeof one) < 0;

	pthread_mutex_lock(&look->mutex);
	while (!look->is_done && !error)
		error = pthread_cond_timedwait(&look->done, &look->mutex, &until);
	pthread_mutex_unlock(&look->mutex);
	unref_look(look);
}

void
kdb_diagnosis_free(struct kdb_diagnosis *diagnosis)
{
	if (!diagnosis)
		return;
	if (diagnosis->look)
		end_look(diagnosis->look);
	free(diagnosis);
}

const char *
kdb_diagnosis_find(struct kdb_diagnosis *diagnosis, const struct kdb_endpoint *endpoint,
    int64_t now_mono_ns)
{
	struct finding *finding;

	take_finding(diagnosis, now_mono_ns);
	finding = find_finding(diagnosis, endpoint);
	if (!diagnosis->look &&
	    (!finding || now_mono_ns - finding->at_mono_ns >= FRESH_NS))
		begin_look(diagnosis, endpoint);
	return finding && finding->cause[0] ? finding->cause : NULL;
}

const char *
kdb_diagnosis_take(
    struct kdb_diagnosis *diagnosis, struct kdb_endpoint *endpoint, int64_t now_mono_ns)
{
	struct finding *finding = take_finding(diagnosis, now_mono_ns);

	if (!finding || !finding->cause[0])
		return NULL;
	*endpoint = finding->endpoint;
	return finding->cause;
}

void
kdb_diagnosis_forget(struct kdb_diagnosis *diagnosis, const struct kdb_endpoint *endpoint)
{
	struct finding *finding = find_finding(diagnosis, endpoint);

	if (finding)
		*finding = diagnosis->findings[--diagnosis->finding_count];
}
