-- Times are Unix milliseconds, the event's own time microseconds. `not_before` is null unless delivery is held back.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    topic TEXT NOT NULL,
    path TEXT NOT NULL,
    context TEXT NOT NULL,
    time INTEGER NOT NULL,
    causes TEXT NOT NULL,
    published INTEGER NOT NULL,
    not_before INTEGER,
    payload BLOB NOT NULL,
    UNIQUE (id, source)
) STRICT;
CREATE INDEX events_of_context ON events (context, sequence) WHERE context != '';

-- All that a consumer wants up to `cursor` is handled, but for the rows of `pending` and `settled`.
CREATE TABLE consumers (
    name TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL,
    topics TEXT NOT NULL,
    but_not TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Exceptions that are still to be delivered: retries, timers, replays, and events that wait behind one of these.
-- `due` is null for one that waits until the one before it in its ordering key is done.
-- `blocking`: later events of its ordering key wait for it.
CREATE TABLE pending (
    consumer TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    ordering_key TEXT NOT NULL,
    due INTEGER,
    blocking INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (consumer, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_by_due ON pending (consumer, due, sequence) WHERE due IS NOT NULL;
CREATE INDEX pending_by_key ON pending (consumer, ordering_key, sequence) WHERE blocking;
CREATE INDEX pending_by_event ON pending (sequence);

-- Exceptions that are done: dead letters, and handled events about which the consumer left a note.
CREATE TABLE settled (
    sequence INTEGER NOT NULL,
    consumer TEXT NOT NULL,
    dead INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (sequence, consumer)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters ON settled (sequence) WHERE dead;
