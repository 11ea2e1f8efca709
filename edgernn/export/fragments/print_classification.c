static void print_result(const int16_t *y)
{
    printf("%s\n", @{name}_outputs[@{name}_argmax(y)]);
}
