"""A lending desk, for the tests of importing: made-up code with made-up weaknesses."""

import shelf

shelf.run("café of " + shelf.name)


class Ledger:
    def enter(self, entry):
        shelf.run("enter " + entry)
        self.count += 1
        shelf.run("enter " + entry)

    def strike(self, entry):
        shelf.run("enter " + entry)
        shelf.run("strike " + entry)  # nosemgrep: unbound-run
