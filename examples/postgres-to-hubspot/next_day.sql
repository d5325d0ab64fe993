-- What happens on the next day: one customer changes, one comes, one goes.
UPDATE customers SET company = 'Analytical Engines', updated_at = now() WHERE id = 1;
INSERT INTO customers (id, name, email, company) VALUES (5, 'Annie Easley', 'annie@example.com', 'Lewis');
DELETE FROM customers WHERE id = 3;
