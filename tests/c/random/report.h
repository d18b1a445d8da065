/* Where messages go. What the library draws on stderr (progress) is kept in a file, of which the end is shown
 * when something is wrong. */
#ifndef RASK_TESTS_RANDOM_REPORT_H
#define RASK_TESTS_RANDOM_REPORT_H

#include "../check.h"

static int report_fd = -1; /* the real stderr */

/* Gives stderr back, with the last of what was written to its stand-in. */
static void report_here(void) {
    if (report_fd < 0)
        return;
    char last[2048];
    off_t end = lseek(STDERR_FILENO, 0, SEEK_END);
    off_t begin = end > (off_t)sizeof last ? end - (off_t)sizeof last : 0;
    ssize_t size = pread(STDERR_FILENO, last, sizeof last, begin);
    ssize_t written = size > 0 ? write(report_fd, last, (size_t)size) : 0;
    (void)written;
    dup2(report_fd, STDERR_FILENO);
    report_fd = -1;
}

#if defined(__SANITIZE_ADDRESS__)
/* AddressSanitizer reports on stderr without asking us. */
static void report_elsewhere(void) {}
#else
static void report_crash(int number) {
    report_here();
    signal(number, SIG_DFL);
    raise(number);
}

static void report_elsewhere(void) {
    FILE *file = tmpfile();
    CHECK(file != NULL);
    fflush(stderr);
    report_fd = dup(STDERR_FILENO);
    CHECK(report_fd >= 0);
    CHECK(dup2(fileno(file), STDERR_FILENO) >= 0);
    fclose(file);
    signal(SIGABRT, report_crash);
    signal(SIGSEGV, report_crash);
    signal(SIGBUS, report_crash);
}
#endif

#endif
