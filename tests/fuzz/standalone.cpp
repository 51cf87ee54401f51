// Calls the target where there is no libFuzzer: once for each file, then with mutations of them.
//
//     target SECONDS SEED MAX_LEN CANDIDATE FILE...
//
// Mutations follow from the seed alone and nothing guides them. CANDIDATE holds the input that is being
// tried, so that it is there after a crash; it is removed when all went well. It may be empty: none is kept.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

class Runner {
 public:
  explicit Runner(const char* path) : path_(path), file_(path_.empty() ? nullptr : std::fopen(path, "wb")) {
    if (file_ == nullptr && !path_.empty()) fail("cannot write", path);
  }

  [[noreturn]] static void fail(const char* what, const char* path) {
    std::fprintf(stderr, "standalone: %s %s\n", what, path);
    std::exit(2);
  }

  void finish() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::remove(path_.c_str());
  }

  void run(const std::string& input) {
    if (file_ != nullptr &&
        (pwrite(fileno(file_), input.data(), input.size(), 0) != static_cast<ssize_t>(input.size()) ||
         ftruncate(fileno(file_), static_cast<off_t>(input.size())) != 0)) {
      fail("cannot write", path_.c_str());
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    ++runs;
  }

  uint64_t runs = 0;

 private:
  const std::string path_;
  std::FILE* const file_;
};

void mutate(std::string& input, const std::vector<std::string>& seeds, size_t most, std::mt19937_64& random) {
  const auto below = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
  for (size_t change = 1 + below(4); change > 0; --change) {
    const size_t at = below(input.size() + 1);
    switch (below(7)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(random());
        break;
      case 2:
        input.insert(at, 1 + below(8), static_cast<char>(random()));
        break;
      case 3:
        input.erase(at, 1 + below(8));
        break;
      case 4:
        input.insert(at, input.substr(below(input.size() + 1), 1 + below(64)));
        break;
      case 5:
        input.resize(at);
        break;
      default: {
        const std::string& other = seeds[below(seeds.size())];
        input.insert(at, other.substr(below(other.size() + 1), 1 + below(256)));
      }
    }
  }
  if (input.size() > most) input.resize(most);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const std::chrono::seconds seconds(std::strtol(argv[1], nullptr, 10));
  std::mt19937_64 random(std::strtoull(argv[2], nullptr, 10));
  const size_t most = std::strtoull(argv[3], nullptr, 10);
  Runner runner(argv[4]);
  std::vector<std::string> seeds;
  for (int i = 5; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) Runner::fail("cannot read", argv[i]);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    runner.run(seeds.back());
  }
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < seconds;) {
    std::string input = seeds[random() % seeds.size()];
    mutate(input, seeds, most, random);
    runner.run(input);
  }
  runner.finish();
  std::printf("standalone: %llu runs from %zu files\n", static_cast<unsigned long long>(runner.runs), seeds.size());
}
