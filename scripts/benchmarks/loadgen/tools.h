/* What both load generators need of C and of the system. */
#ifndef TOOLS_H
#define TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const char *const program;   /* the name for errors; each generator has one */

/* Say what is wrong on stderr and exit with 1. */
void fail(const char *pattern, ...) __attribute__((noreturn, format(printf, 1, 2)));

uint64_t now_ns(void);
double cpu_seconds(void);           /* of this process */

/* Length of the line at the front with its LF, 0 when it is not all there. */
size_t line_length(const char *in, size_t length);
bool starts(const char *in, size_t length, const char *prefix);

#endif
