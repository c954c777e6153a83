/* What the command line of the load generator says. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <netinet/in.h>

#include "loadgen.h"

struct options {
    const char *host, *tag;
    int port, pid;
    struct sockaddr_in server;
    const struct protocol *protocol;
    uint32_t clients, in_flight;
    double warmup_s, seconds;
    bool reconnect, hold;
};
extern struct options options;

/* Read the command line; ends the program when it is invalid. */
void read_options(int argc, char **argv);

#endif
