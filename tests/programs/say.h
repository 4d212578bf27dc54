// What a call gave, in a line: its value, or the name of its error.
#ifndef SAY_H
#define SAY_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>

// An address that is never mapped, and that the compiler does not know.
static void *volatile nowhere __attribute__((unused)) = (void *)8;

#define say(what, call)                                                  \
    do {                                                                 \
        errno = 0;                                                       \
        long say_result = (long)(call);                                  \
        if (say_result == -1 && errno != 0)                              \
            printf("%s: %s\n", what, strerrorname_np(errno));            \
        else                                                             \
            printf("%s: %ld\n", what, say_result);                       \
    } while (0)

// The same, where a call that succeeds gives a number that says nothing.
#define say_done(what, call)                                             \
    do {                                                                 \
        errno = 0;                                                       \
        long say_result = (long)(call);                                  \
        printf("%s: %s\n", what, say_result == -1 ? strerrorname_np(errno) : "done"); \
    } while (0)

#endif
