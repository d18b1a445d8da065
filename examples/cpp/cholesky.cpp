// Blocked Cholesky factorisation, A = L * transposed(L), by futures: each block of L is a future, and each
// task names the blocks it needs. Nobody says what may run beside what: the graph does.
//
//     cholesky [BLOCKS [SIZE]]     BLOCKS x BLOCKS blocks of SIZE x SIZE numbers
#include <rask/rask.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

// A square block, row by row. A flat vector: C tasks would read it in place, too.
using block = std::vector<double>;

std::size_t side(const block &b) { return static_cast<std::size_t>(std::lround(std::sqrt(b.size()))); }

// The lower factor of a block on the diagonal.
block factor(block a) {
    const std::size_t n = side(a);
    for (std::size_t j = 0; j < n; j++) {
        for (std::size_t k = 0; k < j; k++)
            for (std::size_t i = j; i < n; i++)
                a[i * n + j] -= a[i * n + k] * a[j * n + k];
        const double root = std::sqrt(a[j * n + j]);
        for (std::size_t i = j; i < n; i++)
            a[i * n + j] /= root;
        for (std::size_t i = 0; i < j; i++)
            a[i * n + j] = 0;
    }
    return a;
}

// X with X * transposed(l) = a: a block below the diagonal.
block solve(const block &l, block a) {
    const std::size_t n = side(a);
    for (std::size_t i = 0; i < n; i++)
        for (std::size_t j = 0; j < n; j++) {
            for (std::size_t k = 0; k < j; k++)
                a[i * n + j] -= a[i * n + k] * l[j * n + k];
            a[i * n + j] /= l[j * n + j];
        }
    return a;
}

// a - x * transposed(y).
block update(block a, const block &x, const block &y) {
    const std::size_t n = side(a);
    for (std::size_t i = 0; i < n; i++)
        for (std::size_t j = 0; j < n; j++) {
            double sum = 0;
            for (std::size_t k = 0; k < n; k++)
                sum += x[i * n + k] * y[j * n + k];
            a[i * n + j] -= sum;
        }
    return a;
}

// An entry of the matrix: symmetric, and heavy on the diagonal, so that it has a factor.
double entry(std::size_t i, std::size_t j, std::size_t n) {
    return i == j ? static_cast<double>(n) : 1 / (1.0 + static_cast<double>(i > j ? i - j : j - i));
}

block make_block(std::size_t row, std::size_t column, std::size_t n, std::size_t whole) {
    block b(n * n);
    for (std::size_t i = 0; i < n; i++)
        for (std::size_t j = 0; j < n; j++)
            b[i * n + j] = entry(row * n + i, column * n + j, whole);
    return b;
}

} // namespace

int main(int argc, char **argv) {
    const std::size_t blocks = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 8;
    const std::size_t n = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 24;
    rask::client client;

    std::vector<std::vector<rask::future<block>>> a(blocks);
    for (std::size_t i = 0; i < blocks; i++)
        for (std::size_t j = 0; j <= i; j++)
            a[i].push_back(client.submit(make_block, i, j, n, blocks * n));

    // What is needed first has the higher priority: the critical path runs along the diagonal.
    std::size_t tasks = 0;
    for (std::size_t k = 0; k < blocks; k++) {
        const auto urgent = client.with().priority(static_cast<int32_t>(blocks - k));
        a[k][k] = urgent.submit(factor, std::move(a[k][k]));
        tasks++;
        for (std::size_t i = k + 1; i < blocks; i++, tasks++)
            a[i][k] = urgent.submit(solve, a[k][k], std::move(a[i][k]));
        for (std::size_t i = k + 1; i < blocks; i++)
            for (std::size_t j = k + 1; j <= i; j++, tasks++)
                a[i][j] = client.submit(update, std::move(a[i][j]), a[i][k], a[j][k]);
    }

    // The largest difference between A and L * transposed(L), a task for each block of A.
    std::vector<rask::future<double>> differences;
    for (std::size_t i = 0; i < blocks; i++)
        for (std::size_t j = 0; j <= i; j++) {
            auto rest = client.submit(make_block, i, j, n, blocks * n);
            for (std::size_t k = 0; k <= j; k++)
                rest = client.submit(update, std::move(rest), a[i][k], a[j][k]);
            differences.push_back(rest.then([](const block &b) {
                double largest = 0;
                for (const double one : b)
                    largest = std::fmax(largest, std::fabs(one));
                return largest;
            }));
        }
    auto largest = client.submit(
        [](rask::list<double> all) {
            double most = 0;
            for (const double one : all)
                most = std::fmax(most, one);
            return most;
        },
        differences);

    std::printf("%zu x %zu numbers, factored by %zu tasks: %s\n", blocks * n, blocks * n, tasks,
                largest.get() < 1e-9 ? "L times its transpose is A" : "something is wrong");
}
