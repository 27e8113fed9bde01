-- A change is sent in one flight, its COMMIT included, so what it relies on cannot be asked first:
-- a condition that no longer holds must fail the transaction. The store knows the code.
CREATE FUNCTION must_hold(condition BOOLEAN) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
  IF condition THEN
    RETURN TRUE;
  END IF;
  RAISE EXCEPTION 'a definition moved' USING ERRCODE = 'KPK01';
END
$$;
