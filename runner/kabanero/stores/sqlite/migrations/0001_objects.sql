-- Every change of a resource is a row of `versions`; `objects` names the newest of each key.
-- `definition` is the ResourceType as JSON; `indexed` the field paths under which all of its resources can be found.
CREATE TABLE types (
    id INTEGER PRIMARY KEY,
    api_group TEXT NOT NULL,
    kind TEXT NOT NULL,
    definition TEXT NOT NULL,
    indexed TEXT NOT NULL,
    UNIQUE (api_group, kind)
) STRICT;

CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (type, namespace, name)
) STRICT;

-- How many there are, for the first page of a list.
CREATE TABLE population (
    type INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    resources INTEGER NOT NULL,
    PRIMARY KEY (type, namespace)
) STRICT, WITHOUT ROWID;

-- `previous` is the version that this one replaced. A deletion's body is the resource as it was last.
CREATE TABLE versions (
    version INTEGER PRIMARY KEY,
    object INTEGER NOT NULL,
    type INTEGER NOT NULL,
    previous INTEGER,
    deleted INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- What selectors and owners are looked up by: a term is a hash of (type, what, key, value).
CREATE TABLE terms (
    term INTEGER NOT NULL,
    object INTEGER NOT NULL,
    PRIMARY KEY (term, object)
) STRICT, WITHOUT ROWID;

-- Garbage collection still to be done; written in the transaction that made it necessary.
CREATE TABLE collecting (
    task TEXT NOT NULL,
    uid TEXT NOT NULL,
    object INTEGER NOT NULL,
    after INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task, uid)
) STRICT, WITHOUT ROWID;

-- Which version was the newest at what time (Unix seconds), so that history can be forgotten by age.
CREATE TABLE marks (
    at INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT;

-- `floor`: versions that were replaced up to it are forgotten. It begins at 1, for 0 means any version to a client.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('floor', 1);
