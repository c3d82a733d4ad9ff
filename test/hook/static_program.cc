// A program without the dynamic loader.
int main() {}
