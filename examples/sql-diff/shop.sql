-- The shop's database, as it is on the first day.
DROP TABLE IF EXISTS customers;
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(160),
  company VARCHAR(80),
  active BOOLEAN NOT NULL DEFAULT 1
);
INSERT INTO customers (id, name, email, company) VALUES
  (1, 'Ada Lovelace', 'Ada@Example.com', 'Engines Ltd'),
  (2, 'Alan Turing', 'alan@example.com', 'Bletchley Park'),
  (3, 'Grace Hopper', NULL, NULL),
  (4, 'Katherine Johnson', 'katherine@example.com', 'Langley');
