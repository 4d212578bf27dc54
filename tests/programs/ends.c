// Ends as its argument says.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int deeper(int depth) {
    volatile char frame[4096];
    if (depth < 0) return 0;
    frame[0] = (char)depth;
    return deeper(depth + 1) + frame[0];
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "exit") == 0) {
        printf("arguments %d, last %s, variable %s\n", argc, argv[argc - 1], getenv("GATE") ? getenv("GATE") : "unset");
        fputs("to standard error\n", stderr);
        return atoi(argv[2]);
    }
    if (strcmp(how, "write") == 0) *(volatile int *)0xdead0000 = 1;
    if (strcmp(how, "read") == 0) return *(volatile int *)0xbeef0;
    if (strcmp(how, "kernel") == 0) return *(volatile int *)0xffffffff80000000;
    if (strcmp(how, "stack") == 0) return deeper(0);
    if (strcmp(how, "illegal") == 0) __asm__ volatile("ud2");
    if (strcmp(how, "privileged") == 0) __asm__ volatile("cli");
    if (strcmp(how, "port") == 0) __asm__ volatile("outb %0, %1" : : "a"((char)0), "Nd"((short)0x80));
    if (strcmp(how, "data") == 0) {
        // A page that can be written is no code.
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        page[0] = (char)0xc3;
        ((void (*)(void))page)();
    }
    if (strcmp(how, "abort") == 0) abort();
    if (strcmp(how, "stop") == 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7000)};
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0) return 3;
        puts("listening");
        fflush(stdout);
        raise(SIGSTOP);
        raise(SIGTSTP);
        raise(SIGSTOP);
        int connection = accept(listener, NULL, NULL);
        return write(connection, "!", 1) == 1 ? 0 : 4;
    }
    if (strcmp(how, "spawn") == 0) {
        // Each starts a copy that would run another program.
        char *const arguments[] = {"other", NULL};
        pid_t child;
        int error = posix_spawn(&child, "/bin/other", NULL, NULL, arguments, arguments + 1);
        printf("posix_spawn: %s\n", error ? strerrorname_np(error) : "ran");
        int status = system("true");
        printf("system: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        FILE *pipe = popen("true", "r");
        puts(pipe ? "popen: open" : "popen: none");
        return 0;
    }
    if (strcmp(how, "execvp") == 0) {
        // As execvp does where each directory of PATH has such a file.
        char *const none[] = {NULL}, *const paths[] = {"/usr/local/bin/other", "/usr/bin/other", "/bin/other"};
        for (int i = 0; i < 3; i++) puts(execve(paths[i], none, none) < 0 ? strerrorname_np(errno) : "ran");
        return 0;
    }
    return 2;
}
