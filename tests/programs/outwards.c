// Connections outwards, by name: argv is a name, an open port, a closed port, and an address where nobody is.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static struct sockaddr_in at(struct in_addr address, const char *port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr = address};
}

static long connected(int fd, struct sockaddr_in to) { return connect(fd, (struct sockaddr *)&to, sizeof to); }

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int result = getaddrinfo(argv[1], NULL, &hints, &found);
    if (result != 0) {
        printf("%s: %s\n", argv[1], gai_strerror(result));
        return 1;
    }
    struct in_addr peer = ((struct sockaddr_in *)found->ai_addr)->sin_addr, absent;
    printf("%s is %s\n", argv[1], inet_ntoa(peer));
    inet_aton(argv[4], &absent);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    say("connect", connected(fd, at(peer, argv[2])));
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    say("poll", poll(&entry, 1, 5000));
    int error = -1;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    say("error", error);
    say("connect again", connected(fd, at(peer, argv[2])));
    say("and again", connected(fd, at(peer, argv[2])));
    say("question", write(fd, "question\n", 9));
    entry.events = POLLIN;
    poll(&entry, 1, 5000);
    char answer[100] = "";
    say("answer", read(fd, answer, sizeof answer - 1));
    printf("%s", answer);
    close(fd);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    say("a closed port", connected(fd, at(peer, argv[3])));
    say("the same socket, the open port", connected(fd, at(peer, argv[2])));
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    connected(fd, at(peer, argv[3]));
    say("a datagram to a closed port", send(fd, "x", 1, 0));
    entry = (struct pollfd){.fd = fd, .events = POLLIN};
    say("poll", poll(&entry, 1, 5000));
    say("what came of it", recv(fd, answer, 1, MSG_DONTWAIT));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    say("nobody's address", connected(fd, at(absent, argv[2])));
}
