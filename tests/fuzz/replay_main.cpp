// Runs a fuzz target over the files of a corpus folder: the regression half of fuzzing, in every
// build and with every compiler.  usage: NAME_replay CORPUS_FOLDER
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: replay CORPUS_FOLDER\n", stderr);
        return 2;
    }
    std::size_t inputs = 0;
    for (const auto& file : std::filesystem::directory_iterator(arguments[1])) {
        std::ifstream stream(file.path(), std::ios::binary);
        const std::vector<char> octets{std::istreambuf_iterator<char>(stream), {}};
        // NOLINTNEXTLINE(*-reinterpret-cast): libFuzzer's signature wants unsigned octets
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
        ++inputs;
    }
    std::printf("%zu inputs\n", inputs);
    return inputs == 0 ? 1 : 0;  // an empty corpus tests nothing
}
