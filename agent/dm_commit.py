"""How changes of the management tree last or are undone: nothing is on flash before `commit`, which puts all of it at once."""


def loaded(tree):
    """Return the objects that are there: only they can have changed."""
    return [thing for _, thing in tree.objects if not callable(thing)]


def snapshot(tree):
    """Return what `roll_back` needs."""
    return tree.properties.store.blob, [(thing, thing.snapshot()) for thing in loaded(tree)]


def roll_back(tree, snapshot):
    """Undo everything since the snapshot; tell whether every object could.

    An object that was loaded since has its kept state to go back to.
    """
    good, known = True, []
    tree.properties.store.blob, states = snapshot
    for thing, state in states:
        known.append(thing)
        good = thing.restore(state) is not False and good
    for thing in loaded(tree):
        if thing not in known:
            thing.reload()
    return good


def commit(tree):
    """Put what has changed."""
    changes, things = (), [tree.properties.store] + loaded(tree)
    for thing in things:
        changes += thing.changes()
    if changes:
        tree.settings.put(changes)
        for thing in things:
            thing.saved()


def reload(tree):
    """Forget what could not be put."""
    for thing in [tree.properties.store] + loaded(tree):
        thing.reload()
