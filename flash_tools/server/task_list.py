"""The commands that wait for devices, and the last ones that were answered."""

from collections import deque

from flash_tools.errors import ToolError
from flash_tools.server.tasks import Task, read_commands

_MOST_DONE = 200


class TaskList:
    """Whoever calls holds `changed`, the desk's lock; `secrets` is the set of texts that no trace shows."""

    def __init__(self, store, changed, secrets: set[str]):
        self._store, self._changed, self._secrets = store, changed, secrets
        self._tasks: dict[str, Task] = {}
        self._waiting: dict[str, list[Task]] = {}  # by device
        self._done: deque[str] = deque()  # their keys, the oldest first
        for key, record in store.records("task"):
            self._restore(key, record)

    def _restore(self, key, record):
        spec = record["commands"]
        self._add(Task(record["device"], read_commands(spec), self._changed, key, spec), key)

    def _add(self, task, key):
        task.key = key
        self._tasks[key] = task
        self._waiting.setdefault(task.device_id, []).append(task)
        self._secrets |= set(task.secrets())
        return task

    def add(self, device_id: str, commands: list, task_id: str = "", spec=None) -> Task:
        """Add commands for the next session; those that have an id outlive the server, once the caller commits."""
        task = Task(device_id, commands, self._changed, task_id, spec)
        if task_id:
            self._store.put("task", task_id, {"device": device_id, "commands": spec})
        return self._add(task, task_id or "#%d" % id(task))

    def of(self, device_id: str) -> list[Task]:
        """Return what a device is to be commanded."""
        return [task for task in self._waiting.get(device_id, ()) if not task.done]

    def get(self, task_id: str) -> Task:
        """Return a task."""
        if task_id not in self._tasks:
            raise ToolError("there is no task %s, or it was done long ago" % task_id[:32])
        return self._tasks[task_id]

    def drop_done(self, device_id: str):
        """Take what a device has answered out of the store; the last ones stay to be looked at."""
        waiting = self._waiting.get(device_id)
        if not waiting or not any(task.done for task in waiting):
            return
        for task in waiting:
            if task.done:
                self._store.drop("task", task.key)
                self._done.append(task.key)
        self._waiting[device_id] = [task for task in waiting if not task.done]
        while len(self._done) > _MOST_DONE:
            self._tasks.pop(self._done.popleft(), None)

    def undo(self):
        """Make the list again what the store says: what was added is gone, what was done is to be done again."""
        kept = dict(self._store.records("task"))
        for key in [key for key, task in self._tasks.items() if task.task_id and key not in kept and not task.done]:
            del self._tasks[key]
        for key, record in kept.items():
            if key not in self._tasks or self._tasks[key].done:
                self._restore(key, record)
        self._waiting, self._done = {}, deque(key for key, task in self._tasks.items() if task.done)
        for task in self._tasks.values():
            if not task.done:
                self._waiting.setdefault(task.device_id, []).append(task)

    def forget(self, device_id: str):
        """Take out what waits for a device."""
        self._waiting.pop(device_id, None)
        for key in [key for key, task in self._tasks.items() if task.device_id == device_id]:
            self._store.drop("task", key)
            del self._tasks[key]
