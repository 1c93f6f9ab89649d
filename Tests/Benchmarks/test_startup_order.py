"""startup-order, on a program whose order is known."""

import os
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))

PROGRAM = """
#include <pthread.h>
#include <stddef.h>
__attribute__((noinline)) void earlier(void) { __asm__ volatile(""); }
__attribute__((noinline)) void later(void) { __asm__ volatile(""); }
__attribute__((noinline)) void never(void) { __asm__ volatile(""); }
static void *other_thread(void *nothing) { earlier(); return nothing; }
int main(int count, char **words) {
  pthread_t thread;
  if (count > 9) never();
  pthread_create(&thread, NULL, other_thread, NULL);
  pthread_join(thread, NULL);
  later();
  return words[count] != NULL;
}
"""


class StartupOrderTests(unittest.TestCase):
    def test_functions_come_in_the_order_of_their_first_run(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            subprocess.run(["cc", "-static", "-O1", "-xc", "-", "-o", program], input=PROGRAM, text=True, check=True)
            order = [os.path.join(HERE, "startup-order"), program, "no kernel"]
            names = subprocess.run(order, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
            ours = [name for name in names if name in ("main", "other_thread", "earlier", "later", "never")]
            self.assertEqual(ours, ["main", "other_thread", "earlier", "later"])

    def test_a_program_without_names_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            subprocess.run(["cc", "-s", "-xc", "-", "-o", program], input=PROGRAM, text=True, check=True)
            order = [os.path.join(HERE, "startup-order"), program, "no kernel"]
            ended = subprocess.run(order, capture_output=True, text=True, check=False)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("no symbols", ended.stderr)


if __name__ == "__main__":
    unittest.main()
