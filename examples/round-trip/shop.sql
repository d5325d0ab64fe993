-- The shop's database, as it is on the first day. What the shop writes itself says so in changed_by.
DROP TABLE IF EXISTS customers;
CREATE TABLE customers (
  id VARCHAR(40) PRIMARY KEY,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(160) UNIQUE,
  phone VARCHAR(40),
  changed_by VARCHAR(10) NOT NULL DEFAULT 'shop'
);
INSERT INTO customers (id, name, email, phone) VALUES
  ('1', 'Ada Lovelace', 'Ada@Example.com', NULL),
  ('2', 'Alan Turing', 'alan@example.com', '+44 20 7946 0000'),
  ('3', 'Grace Hopper', NULL, NULL);
