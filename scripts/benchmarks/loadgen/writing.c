/* How requests are written. */
#include "writing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t format(char *out, size_t room, const char *pattern, ...)
{
    va_list values;
    va_start(values, pattern);
    int length = vsnprintf(out, room, pattern, values);
    va_end(values);
    if (length < 0 || (size_t)length >= room) {
        fprintf(stderr, "loadgen: a request is longer than %zu bytes\n", room);
        exit(1);
    }
    return (size_t)length;
}

size_t literal(char *out, const char *text)
{
    size_t length = strlen(text);
    memcpy(out, text, length);
    return length;
}

const char *tag_of(const struct speaker *speaker)
{
    return speaker->tag ? speaker->tag : random_tag();
}
