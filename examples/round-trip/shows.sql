-- What the shop's table holds.
SELECT id, name, email, phone, changed_by FROM customers ORDER BY id;
