/*
 * fault.so is a PKCS#11 library that hands every call on to another, SoftHSM's as
 * a rule, and does to some what a file says: so that a hardware security module
 * goes away, comes back, is slow or full, when a test wants it to.
 *
 *	FAULT_MODULE   the library behind
 *	FAULT_CONTROL  the file; read at each call, none is no fault
 *
 * Each line of the file is a function, or * for all that are watched, and what
 * happens to it: so many milliseconds of delay, a return value (0 hands the call
 * on), and how often (0 is always). A file that is replaced counts anew.
 *
 *	C_Sign 500 0x32 0
 *	C_OpenSession 0 0xb1 3
 *
 * With FAULT_TRACE each watched call is noted in that file, a line each.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CK_PTR *
#define CK_DEFINE_FUNCTION(type, name) type name
#define CK_DECLARE_FUNCTION(type, name) type name
#define CK_DECLARE_FUNCTION_POINTER(type, name) type(*name)
#define CK_CALLBACK_FUNCTION(type, name) type(*name)
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#include "pkcs11.h"

static CK_FUNCTION_LIST_PTR behind;
static CK_FUNCTION_LIST front;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static ino_t counted_of;
static struct timespec counted_at;
static struct { char name[64]; unsigned long left; } counted[32];

static void nap(long ms) {
	struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
	while (nanosleep(&t, &t) != 0) {}
}

static void trace(const char *name) {
	const char *path = getenv("FAULT_TRACE");
	FILE *f = path ? fopen(path, "a") : NULL;
	if (f == NULL) return;
	fprintf(f, "%s\n", name);
	fclose(f);
}

/* takes reports whether line i may strike once more. */
static int takes(const struct stat *st, int i, const char *name, unsigned long times) {
	int strikes = 1;
	if (times == 0) return 1;
	pthread_mutex_lock(&lock);
	if (st->st_ino != counted_of || memcmp(&st->st_mtim, &counted_at, sizeof counted_at) != 0) {
		memset(counted, 0, sizeof counted);
		counted_of = st->st_ino;
		counted_at = st->st_mtim;
	}
	if (counted[i].name[0] == 0) {
		snprintf(counted[i].name, sizeof counted[i].name, "%s", name);
		counted[i].left = times;
	}
	if (counted[i].left == 0) strikes = 0;
	else counted[i].left--;
	pthread_mutex_unlock(&lock);
	return strikes;
}

/* fault does what the file says and returns what the call shall. */
static CK_RV fault(const char *name) {
	const char *path = getenv("FAULT_CONTROL");
	FILE *f = path ? fopen(path, "r") : NULL;
	struct stat st;
	char line[160], function[64];
	long ms = 0;
	unsigned long value = 0, times = 0;
	int i;
	trace(name);
	if (f == NULL) return CKR_OK;
	if (fstat(fileno(f), &st) != 0) {
		fclose(f);
		return CKR_OK;
	}
	for (i = 0; i < 32 && fgets(line, sizeof line, f) != NULL; i++) {
		if (sscanf(line, "%63s %ld %li %lu", function, &ms, (long *)&value, &times) != 4) continue;
		if (strcmp(function, "*") != 0 && strcmp(function, name) != 0) continue;
		if (!takes(&st, i, function, times)) continue;
		fclose(f);
		nap(ms);
		return value;
	}
	fclose(f);
	return CKR_OK;
}

#define WATCH(name, parameters, arguments)          \
	static CK_RV watched_##name parameters {        \
		CK_RV rv = fault("C_" #name);               \
		return rv != CKR_OK ? rv : behind->C_##name arguments; \
	}

WATCH(Initialize, (CK_VOID_PTR a), (a))
WATCH(GetSlotList, (CK_BBOOL a, CK_SLOT_ID_PTR b, CK_ULONG_PTR c), (a, b, c))
WATCH(GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO_PTR b), (a, b))
WATCH(OpenSession, (CK_SLOT_ID a, CK_FLAGS b, CK_VOID_PTR c, CK_NOTIFY d, CK_SESSION_HANDLE_PTR e), (a, b, c, d, e))
WATCH(CloseSession, (CK_SESSION_HANDLE a), (a))
WATCH(Login, (CK_SESSION_HANDLE a, CK_USER_TYPE b, CK_UTF8CHAR_PTR c, CK_ULONG d), (a, b, c, d))
WATCH(FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE_PTR b, CK_ULONG c), (a, b, c))
WATCH(FindObjects, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE_PTR b, CK_ULONG c, CK_ULONG_PTR d), (a, b, c, d))
WATCH(GetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE_PTR c, CK_ULONG d), (a, b, c, d))
WATCH(SignInit, (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b, CK_OBJECT_HANDLE c), (a, b, c))
WATCH(Sign, (CK_SESSION_HANDLE a, CK_BYTE_PTR b, CK_ULONG c, CK_BYTE_PTR d, CK_ULONG_PTR e), (a, b, c, d, e))
WATCH(GenerateKeyPair, (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b, CK_ATTRIBUTE_PTR c, CK_ULONG d, CK_ATTRIBUTE_PTR e, CK_ULONG f, CK_OBJECT_HANDLE_PTR g, CK_OBJECT_HANDLE_PTR h), (a, b, c, d, e, f, g, h))

/* Finalize is noted, and never fails. */
static CK_RV watched_Finalize(CK_VOID_PTR a) {
	trace("C_Finalize");
	return behind->C_Finalize(a);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
	if (behind == NULL) {
		const char *path = getenv("FAULT_MODULE");
		void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
		CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
		if (get == NULL || get(&behind) != CKR_OK) {
			fprintf(stderr, "fault.so: FAULT_MODULE names no PKCS#11 library\n");
			return CKR_GENERAL_ERROR;
		}
		front = *behind;
#define SET(name) front.C_##name = watched_##name
		SET(Initialize); SET(Finalize); SET(GetSlotList); SET(GetTokenInfo); SET(OpenSession); SET(CloseSession); SET(Login);
		SET(FindObjectsInit); SET(FindObjects); SET(GetAttributeValue); SET(SignInit); SET(Sign); SET(GenerateKeyPair);
	}
	*list = &front;
	return CKR_OK;
}
