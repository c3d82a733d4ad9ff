// Generators: a walk through a tree, by plain recursion and by yielding from another generator.
//
//   bazel run --config=opt //samples:generator_tree
//
// A generator has a stack of its own, so it can yield from the depth of a recursion. Two trees have
// the same fringe if their leaves are the same in the same order, whatever their shapes: the walks
// run in step, and stop at the first difference. Prints:
//
// in order: 1 2 3 4 5 6 7
// by generators of generators: 1 2 3 4 5 6 7
// same fringe: yes
// same fringe: no
#include <cstdio>
#include <memory>

#include "colibri/colibri.h"

namespace {

struct Node {
  int value;
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
};

using Tree = std::unique_ptr<Node>;

Tree node(int value, Tree left = nullptr, Tree right = nullptr) {
  return std::make_unique<Node>(Node{value, std::move(left), std::move(right)});
}

void visit(const Tree& tree, colibri::Yield<int, void>& yield) {
  if (tree == nullptr) return;
  visit(tree->left, yield);
  yield(tree->value);
  visit(tree->right, yield);
}

/// One generator for the whole tree.
colibri::Generator<int> in_order(const Tree& tree) {
  return colibri::Generator<int>([&tree](auto& yield) { visit(tree, yield); });
}

/// One for each node; an item costs the same however deep it lies.
colibri::Generator<int> nested(const Tree& tree) {
  return colibri::Generator<int>([&tree](auto& yield) {
    if (tree == nullptr) return;
    yield.from(nested(tree->left));
    yield(tree->value);
    yield.from(nested(tree->right));
  });
}

bool same_fringe(const Tree& first, const Tree& second) {
  auto left = in_order(first);
  auto right = in_order(second);
  for (;;) {
    const bool more = left.next();
    if (more != right.next()) return false;
    if (!more) return true;
    if (left.value() != right.value()) return false;
  }
}

void print(const char* title, colibri::Generator<int> values) {
  std::printf("%s:", title);
  for (int value : values) std::printf(" %d", value);
  std::printf("\n");
}

}  // namespace

int main() {
  const Tree balanced = node(4, node(2, node(1), node(3)), node(6, node(5), node(7)));
  const Tree leaning =
      node(7, node(6, node(5, node(4, node(3, node(2, node(1)), nullptr), nullptr))));
  const Tree other = node(4, node(2, node(1), node(3)), node(6, node(5), node(8)));
  print("in order", in_order(balanced));
  print("by generators of generators", nested(balanced));
  std::printf("same fringe: %s\n", same_fringe(balanced, leaning) ? "yes" : "no");
  std::printf("same fringe: %s\n", same_fringe(balanced, other) ? "yes" : "no");
}
