#pragma once

#include <array>

namespace tapmeter {

// Memory that outlives the process that uses it, for as long as somebody holds this: two files in
// memory, one on pages of 2 MB and one on others, of which a Region takes one. A process that holds
// them and forks gives both to its child; what one child leaves there the next one finds.
// Empty at first. One owner; processes that map it are not counted.
class KeptMemory {
public:
    KeptMemory() noexcept;  // never fails: what cannot be made is -1, and Region::reserve() says so
    KeptMemory(KeptMemory&& other) noexcept;
    KeptMemory& operator=(KeptMemory&& other) noexcept;
    KeptMemory(const KeptMemory&) = delete;
    KeptMemory& operator=(const KeptMemory&) = delete;
    ~KeptMemory();

    int huge() const noexcept { return descriptors_[0]; }   // -1: this kernel has none
    int small() const noexcept { return descriptors_[1]; }  // -1: no descriptor was to be had

private:
    std::array<int, 2> descriptors_;
};

}  // namespace tapmeter
