"""What is served where the settings name nothing: sentiment, tags, and whatever else there is.

The two that every store has are waited for. Of each further task the store's champion is served,
one model a task, so that memory stays small: the preferred name, else the first by the alphabet. It
is looked for at the start and every so often afterwards, until the task has its model; a service
that is ready stays so while a newcomer loads, and whether it loads or not.
"""

from collections.abc import Collection, Mapping
from typing import Final

from model_store import Store, StoreError, Untrusted
from service.store_client import StoreClient

PREFERRED: Final[dict[str, str]] = {
    "aspects": "aspects",
    "extraction": "aspect-terms",
    "language-model": "lm-reviews",
    "pairs": "pairs-recurrent",
}
"""The further tasks, and the name of the model that is preferred for each."""

LOOK_EVERY: Final = 6  # polls: listing a bucket costs money


class Discovery:
    """Champions of tasks that have no model yet."""

    def __init__(self, store: StoreClient) -> None:
        self._store = store
        self._tasks: Mapping[str, str] = {}
        self._polls = 0

    async def look(self, covered: Collection[str]) -> dict[str, str]:
        """A reference for each task that is not `covered` and has a champion, to its task.

        Call it once a poll; most of them it does not look. A store that does not answer has none.
        """
        wanted = [task for task in PREFERRED if task not in covered]
        due = self._polls % LOOK_EVERY == 0
        self._polls += 1
        if not wanted or not due:
            return {}
        known = self._tasks
        try:
            self._tasks, distrusted = await self._store.run(lambda store: _tasks(store, known))
        except StoreError:
            self._polls = 0
            return {}
        for error in distrusted:
            self._store.distrusted.tell(error)
        names = {task: _best(task, self._tasks) for task in wanted}
        return {f"{name}@champion": task for task, name in names.items() if name is not None}


def _best(task: str, tasks: Mapping[str, str]) -> str | None:
    named = sorted(name for name, its in tasks.items() if its == task)
    return min(named, key=lambda name: name != PREFERRED[task], default=None)


def _tasks(store: Store, known: Mapping[str, str]) -> tuple[dict[str, str], list[Untrusted]]:
    """The task of every model that has a champion; what is known is not read again.

    The second half says of which champions no trusted key has signed the version.
    """
    tasks: dict[str, str] = {}
    distrusted: list[Untrusted] = []
    for name in store.names():
        try:
            task = known.get(name) or _task(store, name)
        except Untrusted as error:
            distrusted.append(error)
        else:
            if task is not None:
                tasks[name] = task
    return tasks, distrusted


def _task(store: Store, name: str) -> str | None:
    """Raises Untrusted."""
    try:
        task = store.manifest(name, store.resolve(name).number).raw.get("task")
    except Untrusted:
        raise
    except StoreError:
        return None
    return task if isinstance(task, str) else None
