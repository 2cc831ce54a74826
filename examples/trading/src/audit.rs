//! What the service promises about its database, as the rows that would break it. Its tests ask.

/// What holds at any moment, whatever ended the service.
pub(crate) const ALWAYS: [(&str, &str); 4] = [
    (
        "every day up to the cursor is there, once",
        "FROM (SELECT coalesce(max(next), 0) AS cursor FROM state) s
         WHERE cursor <> (SELECT count(*) FROM ticks) OR cursor <> (SELECT coalesce(max(seq) + 1, 0) FROM ticks)",
    ),
    ("no order after the stop", "FROM runs r JOIN orders ON run = r.id WHERE placed_us > stopped_us"),
    ("an order is filled or cancelled", "FROM fills f JOIN cancels c ON c.seq = f.seq"),
    (
        "an order is open for a day",
        "FROM orders WHERE seq NOT IN (SELECT seq FROM fills UNION SELECT seq FROM cancels)
         AND seq <> (SELECT max(seq) FROM ticks)",
    ),
];

/// What holds, beyond that, when every run ended in order.
pub(crate) const AFTER_ORDERLY_RUNS: [(&str, &str); 2] = [
    ("a run notes its stop", "FROM runs WHERE stopped_us IS NULL"),
    (
        "no order is left open",
        "FROM orders WHERE seq NOT IN (SELECT seq FROM fills UNION SELECT seq FROM cancels)",
    ),
];
