/* Greets whoever is named on its command line. Small, so that the quick start is quick. */
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *whom = argc > 1 ? argv[1] : "world";

    printf("Good day, %s. I live in a folder that never changes.\n", whom);
    return 0;
}
