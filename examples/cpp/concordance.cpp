// A pipeline on real files: read, split into words, count, merge. Each file goes its own way as soon as it is
// read; a file that cannot be read is an exception that arrives where the results are gathered, and does not
// disturb the others.
//
//     concordance FILE...
#include <rask/rask.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct unreadable : std::runtime_error {
    explicit unreadable(const std::string &path) : std::runtime_error(path + " cannot be read") {}
};

using counts = std::map<std::string, int>;

std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw unreadable(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Of part `part` of `parts`: the words that begin in it.
counts count(const std::string &text, std::size_t part, std::size_t parts) {
    auto is_letter = [&](std::size_t i) { return std::isalpha(static_cast<unsigned char>(text[i])) != 0; };
    const std::size_t begin = text.size() * part / parts, end = text.size() * (part + 1) / parts;
    counts found;
    for (std::size_t i = begin; i < end; i++) {
        if (!is_letter(i) || (i > 0 && is_letter(i - 1)))
            continue;
        std::string word;
        for (std::size_t j = i; j < text.size() && is_letter(j); j++)
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[j])));
        found[word]++;
    }
    return found;
}

counts merge(rask::list<counts> parts) {
    counts all;
    for (const counts &one : parts)
        for (const auto &[word, n] : one)
            all[word] += n;
    return all;
}

} // namespace

int main(int argc, char **argv) {
    const std::vector<std::string> paths(argv + 1, argv + argc);
    rask::client client;

    std::vector<rask::future<counts>> files;
    for (const auto &path : paths) {
        auto text = client.with().name("read").submit(read, path);
        std::vector<rask::future<counts>> parts;
        for (std::size_t part = 0; part < 4; part++) // all of them read the text where it lies
            parts.push_back(client.submit(count, text, part, std::size_t{4}));
        files.push_back(client.submit(merge, parts));
    }

    std::vector<rask::future<counts>> readable;
    for (std::size_t i = 0; i < files.size(); i++) {
        try {
            std::printf("%s: %zu different words\n", paths[i].c_str(), files[i].get().size());
            readable.push_back(files[i]);
        } catch (const unreadable &e) {
            std::printf("%s\n", e.what());
        }
    }

    const counts all = client.submit(merge, readable).get();
    std::vector<std::pair<std::string, int>> most(all.begin(), all.end());
    std::stable_sort(most.begin(), most.end(), [](auto &a, auto &b) { return a.second > b.second; });
    most.resize(std::min<std::size_t>(most.size(), 5));
    for (const auto &[word, n] : most)
        std::printf("%5d %s\n", n, word.c_str());
}
