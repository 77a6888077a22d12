/* Operations of C on integers: what is executed on unknown numbers has to end as the compiled code does. */
#include <stdbool.h>
#include <stdint.h>

struct pair { int64_t one; uint32_t two; uint8_t few : 4; };
enum colour { RED, GREEN = 5, BLUE };

static int64_t total, other;
static int64_t by_node[8];
static int calls;

static inline unsigned int small(uint64_t x) { return x; }
static int counted(void) { static int number = 3; return number++ + calls++; }
static struct pair paired(uint32_t x) { return (struct pair){ .two = x, .one = -1 }; }
static int sum(const int64_t *from, const int64_t *to) { int s = 0; for (; from < to; ++from) s += (int)*from; return s; }

#define larger(x, y) ({ __typeof__(x) a_ = (x); __typeof__(y) b_ = (y); a_ > b_ ? a_ : b_; })

int64_t operation(unsigned int which, uint64_t x, uint32_t y)
{
    int64_t table[4] = { 5, [2] = 7 };
    struct pair p = { 1, 2 }, *q = &p;
    unsigned int i;
    int64_t found = 0;

    switch (which) {
    case 0: return (int64_t)(x + 1 < x);
    case 1: return (uint32_t)x == x;
    case 2: return (uint8_t)y;
    case 3: return (int8_t)(y & 0xff) < 0;
    case 4: return (int32_t)y < 0 ? -1 : 1;
    case 5: return y + 1;
    case 6: return y - 1u;
    case 7: return (int64_t)y - 1;
    case 8: return x >> 60;
    case 9: return y >> 4 & 3;
    case 10: return (y | 8) - (y & 8);
    case 11: return y ^ 0xff;
    case 12: return ~y;
    case 13: return y % 10;
    case 14: return y / 10;
    case 15: return -(int64_t)y / 3;
    case 16: return -(int64_t)y % 3;
    case 17: return (int64_t)y * 2 - 5;
    case 18: return y << 1;
    case 19: return (uint16_t)y + (uint16_t)1;
    case 20: return larger(y, 3u);
    case 21: return small(x);
    case 22: return y > 2 && x > 3 ? 1 : y < 1 || x < 2 ? 2 : 3;
    case 23: p.few = y; return p.few;
    case 24: p.two = x; return p.two;
    case 25: return paired(y).two;
    case 26: q->one += y; return p.one;
    case 27: return table[y & 3];
    case 28: return sum(table, table + 4);
    case 29: return &table[3] - table;
    case 30: for (;;) { if (found > 3) break; found++; } return found;
    case 31: do { found += 2; if (found == 4) continue; } while (found < 6); return found;
    case 32: while (1) { if (++found == 5) goto out; }
    case 33: return counted() + counted();
    case 34: return y == GREEN ? BLUE : RED;
    case 35: return (bool)y;
    case 36: return !x + !!y;
    case 37: return (found = y, found + 1);
    case 38: return y > -1;
    case 39: return (int64_t)y > -1;
    case 40: return sizeof(p) + sizeof table / sizeof table[0];
    case 41: by_node[y & 7] = 3; return by_node[0];
    case 42: i = y; i++; return i--;
    case 43: return ((struct pair){ .few = 3 }).few;
    case 44: for (i = 0; i < 3; i++) { if (i == y) continue; found += i; } return found;
    case 45: if (y > 5) { found = 1; } else if (y) found = 2; else found = 3; return found;
    case 46: return (x & ~(uint64_t)0xfff) + (x & 0xfff) == x;
    case 47: return (uint64_t)-1 - x < 5;
    case 48: return (int64_t)(x << 4);
    case 49: { uint8_t b = 250; b += y & 15; return b; }
    case 50: { int16_t s = (int16_t)(y & 0xffff); s -= 1; return s; }
    case 51: { uint64_t a[2][2] = { { 1 }, { 2, 3 } }; return a[1][y & 1]; }
    case 52: { struct pair all[2] = { { 1, 2, 3 }, [1].two = 9 }; return all[y & 1].two; }
    case 53: { struct pair copy = p; copy.one = 7; return p.one + copy.one; }
    case 54: return 1u << (y & 31) > 4;
    case 55: return (int)(y & 0x7fffffff) + 1;
    case 56: return 1 << (y & 63);
    case 57: return (int64_t)(x & INT64_MAX) - (int64_t)y;
    case 58: return *(table + (y & 1)) == 5;
    case 59: return y && y < 20 ? 100 / y > 3 : 0;
    }
    return found;
 out:
    return found + 100;
}

void store(unsigned int which, uint64_t x, uint32_t y) { total = operation(which, x, y); }
