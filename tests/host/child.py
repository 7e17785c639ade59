"""A program that a test runs beside it."""

import subprocess


class Child(subprocess.Popen):
    """Ends with its `with`, whatever happens in there: a test that fails must not wait for it."""

    def __exit__(self, *exception):
        if self.poll() is None:
            self.kill()
        super().__exit__(*exception)
