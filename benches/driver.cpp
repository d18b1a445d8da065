// Runs the contestants side by side and prints what a task costs with each.
//
//   bench_driver [--quick] [--reps N] [--shape NAME]... CONTESTANT...
//
// A contestant is a program built from contestant.c. All of them take turns in every repetition, because the
// speed of a shared machine drifts: only figures from the same minutes can be compared.
#include "shapes.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr int patience_ms = 60000; // for one run; whoever needs longer hangs
// Whoever has been measured for this long in one cell of the table has had enough repetitions.
constexpr double enough_ns = 5e9;
// Worker threads of other libraries spin for a while after their last task: a turn begins when they sleep.
constexpr std::chrono::milliseconds settling_time{30};

class contestant {
  public:
    std::string name, description;

    explicit contestant(const char *program) : name(program) {
        int requests[2], answers[2];
        if (pipe2(requests, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0) {
            std::perror("pipe");
            std::exit(1);
        }
        process = fork();
        if (process < 0) {
            std::perror("fork");
            std::exit(1);
        }
        if (process == 0) {
            dup2(requests[0], STDIN_FILENO);
            dup2(answers[1], STDOUT_FILENO);
            execl(program, program, static_cast<char *>(nullptr));
            std::perror(program);
            _exit(127);
        }
        close(requests[0]);
        close(answers[1]);
        to = requests[1];
        from = fdopen(answers[0], "r");
        std::string line = answer();
        auto tab = line.find('\t');
        if (tab == std::string::npos)
            return;
        name = line.substr(0, tab);
        description = line.substr(tab + 1);
    }
    contestant(const contestant &) = delete;

    ~contestant() {
        close(to); // ends a healthy one
        pollfd ended{fileno(from), 0, 0};
        if (!alive || poll(&ended, 1, patience_ms) != 1)
            kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
        std::fclose(from);
    }

    // Nanoseconds, or nothing; why is said at once.
    std::optional<double> run(const shape &shape, unsigned workers, std::size_t size) {
        if (!alive)
            return {};
        std::string request =
            std::string(shape.name) + ' ' + std::to_string(workers) + ' ' + std::to_string(size) + '\n';
        std::string line = write(to, request.data(), request.size()) < 0 ? "" : answer();
        char *end;
        double nanoseconds = std::strtod(line.c_str(), &end);
        if (!line.empty() && *end == '\0')
            return nanoseconds;
        if (line.empty())
            line = "no answer, so it takes no further part";
        std::fprintf(stderr, "%s, %s, %u worker(s): %s\n", name.c_str(), shape.name, workers, line.c_str());
        return {};
    }

  private:
    pid_t process;
    int to;
    std::FILE *from;
    bool alive = true;

    // One line without its end; empty when there is none in time. Only one line is ever under way, so that
    // what the stream has buffered cannot be missed by poll.
    std::string answer() {
        char line[512];
        pollfd readable{fileno(from), POLLIN, 0};
        if (poll(&readable, 1, patience_ms) != 1 || !std::fgets(line, sizeof line, from)) {
            alive = false;
            return "";
        }
        line[std::strcspn(line, "\n")] = '\0';
        return line;
    }
};

double median(std::vector<double> &samples) {
    auto middle = samples.begin() + samples.size() / 2;
    std::nth_element(samples.begin(), middle, samples.end());
    if (samples.size() % 2)
        return *middle;
    return (*middle + *std::max_element(samples.begin(), middle)) / 2;
}

struct options {
    bool quick = false;
    int reps = 0;
    std::vector<const shape *> chosen;
    std::vector<const char *> programs;
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: bench_driver [--quick] [--reps N] [--shape NAME]... CONTESTANT...\nshapes:\n");
    for (const shape &shape : shapes)
        std::fprintf(stderr, "  %-12s %s\n", shape.name, shape.what);
    std::exit(2);
}

options parse(int argc, char **argv) {
    options chosen;
    for (int i = 1; i < argc; i++) {
        std::string argument = argv[i];
        if (argument == "--quick") {
            chosen.quick = true;
        } else if (argument == "--reps" && i + 1 < argc) {
            chosen.reps = std::atoi(argv[++i]);
            if (chosen.reps < 1)
                usage();
        } else if (argument == "--shape" && i + 1 < argc) {
            auto named = [name = argv[++i]](const shape &shape) {
                return std::strcmp(shape.name, name) == 0;
            };
            auto found = std::find_if(std::begin(shapes), std::end(shapes), named);
            if (found == std::end(shapes))
                usage();
            chosen.chosen.push_back(found);
        } else if (argument[0] == '-') {
            usage();
        } else {
            chosen.programs.push_back(argv[i]);
        }
    }
    if (chosen.programs.empty())
        usage();
    if (chosen.reps == 0)
        chosen.reps = chosen.quick ? 3 : 9;
    if (chosen.chosen.empty())
        for (const shape &shape : shapes)
            chosen.chosen.push_back(&shape);
    return chosen;
}

using field = std::vector<std::unique_ptr<contestant>>;

// The median nanoseconds per task of each contestant; nothing for one that failed in any repetition.
std::vector<std::optional<double>> compare(field &field, const shape &shape, unsigned workers,
                                           const options &options) {
    std::size_t size = options.quick ? shape.quick_size : shape.size;
    double tasks = static_cast<double>(shape.tasks(size));
    std::vector<std::vector<double>> samples(field.size());
    std::vector<bool> failed(field.size());
    std::vector<double> spent(field.size());
    for (int rep = -1; rep < options.reps; rep++) // the first round only warms up
        for (std::size_t i = 0; i < field.size(); i++) {
            if (failed[i] || spent[i] > enough_ns)
                continue;
            std::this_thread::sleep_for(settling_time);
            auto nanoseconds = field[i]->run(shape, workers, size);
            failed[i] = !nanoseconds;
            if (!nanoseconds || rep < 0)
                continue;
            spent[i] += *nanoseconds;
            samples[i].push_back(*nanoseconds / tasks);
        }
    std::vector<std::optional<double>> medians(field.size());
    for (std::size_t i = 0; i < field.size(); i++)
        if (!failed[i])
            medians[i] = median(samples[i]);
    return medians;
}

void print_cell(std::optional<double> value, int digits) {
    if (value)
        std::printf(" %10.*f", digits, *value);
    else
        std::printf(" %10s", "-");
}

std::optional<double> ratio(std::optional<double> a, std::optional<double> b) {
    return a && b ? std::optional(*a / *b) : std::nullopt;
}

// False when a contestant failed.
bool print_table(field &field, unsigned workers, const options &options) {
    std::printf("\n%u worker%s, ns per task, medians of %d (fewer where they take over %.0f s)\n%-12s",
                workers, workers == 1 ? "" : "s", options.reps, enough_ns / 1e9, "");
    for (auto &each : field)
        std::printf(" %10s", each->name.c_str());
    std::printf(" %10s", "goal");
    for (std::size_t i = 1; i < field.size(); i++)
        std::printf(" %10s", ("/" + field[i]->name).c_str());
    std::printf(" %10s %10s\n", "/best", "/goal");

    bool complete = true;
    for (const shape *shape : options.chosen) {
        auto medians = compare(field, *shape, workers, options);
        std::optional<double> best;
        for (std::size_t i = 1; i < medians.size(); i++)
            if (medians[i] && (!best || *medians[i] < *best))
                best = medians[i];
        std::optional<double> goal = workers == 1 ? shape->goal_1_worker : shape->goal_2_workers;

        std::printf("%-12s", shape->name);
        for (auto each : medians) {
            print_cell(each, 1);
            complete &= each.has_value();
        }
        print_cell(goal, 0);
        for (std::size_t i = 1; i < medians.size(); i++)
            print_cell(ratio(medians[0], medians[i]), 2);
        print_cell(ratio(medians[0], best), 2);
        print_cell(ratio(medians[0], goal), 2);
        std::printf("\n");
        std::fflush(stdout);
    }
    return complete;
}

} // namespace

int main(int argc, char **argv) {
    options options = parse(argc, argv);
    std::signal(SIGPIPE, SIG_IGN); // a contestant that died is noticed when it is asked
    field field;
    for (const char *program : options.programs)
        field.push_back(std::make_unique<contestant>(program));

    std::printf("contestants, and how each counts its workers:\n");
    for (auto &each : field)
        std::printf("  %-8s %s\n", each->name.c_str(), each->description.c_str());
    std::printf("/NAME: %s's median by that contestant's, below 1 is faster; goal: what Rask aims at first\n",
                field[0]->name.c_str());
    bool complete = true;
    for (unsigned workers : {1u, 2u})
        complete &= print_table(field, workers, options);
    return complete ? 0 : 1;
}
