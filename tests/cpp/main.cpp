// The main function of every C++ test: doctest's, and at the end of each case no handle is left.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <rask.h>

#include <cstdio>

namespace {

int leaks = 0;

struct no_handle_is_left : doctest::IReporter {
    explicit no_handle_is_left(const doctest::ContextOptions &) {}
    void test_case_start(const doctest::TestCaseData &data) override { name = data.m_name; }
    void test_case_end(const doctest::CurrentTestCaseStats &) override {
        if (const auto left = rask_live_handles()) {
            std::fprintf(stderr, "%s: %llu handles are left\n", name, static_cast<unsigned long long>(left));
            leaks++;
        }
    }
    void report_query(const doctest::QueryData &) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats &) override {}
    void test_case_reenter(const doctest::TestCaseData &) override {}
    void test_case_exception(const doctest::TestCaseException &) override {}
    void subcase_start(const doctest::SubcaseSignature &) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData &) override {}
    void log_message(const doctest::MessageData &) override {}
    void test_case_skipped(const doctest::TestCaseData &) override {}

    const char *name = "";
};
DOCTEST_REGISTER_LISTENER("handles", 1, no_handle_is_left);

} // namespace

int main(int argc, char **argv) {
    doctest::Context context(argc, argv);
    const int failed = context.run();
    return failed ? failed : leaks != 0;
}
