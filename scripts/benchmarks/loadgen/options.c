/* The command line of the load generator. */
#define _GNU_SOURCE
#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options options = {.host = "127.0.0.1", .clients = 1, .in_flight = 1, .warmup_s = 0.5, .seconds = 2};

static void usage(void)
{
    puts("usage: loadgen --port N [options] PROTOCOL\n"
         "  --host ADDRESS     IPv4 address of the server (127.0.0.1)\n"
         "  --pid N            the server's process, to measure its processor time\n"
         "  --clients N        connections (1)\n"
         "  --in-flight K      requests without a reply, for each connection (1)\n"
         "  --warmup S         seconds that are not counted (0.5)\n"
         "  --seconds S        seconds that are (2)\n"
         "  --tag NAME         the one tag of all requests (one of 1,000, by Zipf's law)\n"
         "  --reconnect        a new connection for each request\n"
         "  --hold             open the connections, print, wait for the end of stdin\n"
         "protocols:");
    for (const struct protocol *protocol = PROTOCOLS; protocol->name; protocol++)
        printf("  %-14s     %s\n", protocol->name, protocol->purpose);
}

void read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"host", required_argument, NULL, 'h'},      {"port", required_argument, NULL, 'p'},
        {"pid", required_argument, NULL, 'i'},
        {"clients", required_argument, NULL, 'c'},   {"in-flight", required_argument, NULL, 'k'},
        {"warmup", required_argument, NULL, 'w'},    {"seconds", required_argument, NULL, 's'},
        {"tag", required_argument, NULL, 't'},       {"reconnect", no_argument, NULL, 'r'},
        {"hold", no_argument, NULL, 'o'},            {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = atoi(optarg); break;
        case 'i': options.pid = atoi(optarg); break;
        case 'c': options.clients = (uint32_t)atoi(optarg); break;
        case 'k': options.in_flight = (uint32_t)atoi(optarg); break;
        case 'w': options.warmup_s = atof(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 't': options.tag = optarg; break;
        case 'r': options.reconnect = true; break;
        case 'o': options.hold = true; break;
        case 'H': usage(); exit(0);
        default: exit(2);
        }
    }
    if (optind != argc - 1)
        fail("one protocol is needed; see --help");
    options.protocol = find_protocol(argv[optind]);
    options.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    if (inet_pton(AF_INET, options.host, &options.server.sin_addr) != 1)
        fail("%s is no IPv4 address", options.host);
    if (options.port < 1 || options.clients < 1 || options.in_flight < 1 || options.seconds <= 0)
        fail("port, clients, in-flight and seconds must be above 0");
    if (options.tag && strlen(options.tag) > 40)
        fail("a tag may have 40 characters here");
    if (options.reconnect && options.in_flight != 1)
        fail("a connection for each request has one in flight");
}
