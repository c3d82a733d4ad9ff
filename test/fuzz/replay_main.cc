// Gives a fuzzer's function each file of a folder: `replay FOLDER`.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argument_count, char** arguments) {
  if (argument_count != 2) {
    std::fprintf(stderr, "usage: replay FOLDER\n");
    return 2;
  }
  int count = 0;
  for (const auto& each : std::filesystem::directory_iterator(arguments[1])) {
    std::ifstream file(each.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::printf("%s\n", each.path().filename().c_str());
    std::fflush(stdout);  // before it perhaps ends the process
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++count;
  }
  std::printf("%d inputs\n", count);
  return count != 0 ? 0 : 1;
}
