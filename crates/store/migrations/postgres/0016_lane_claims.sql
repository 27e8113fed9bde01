-- Claims go lane by lane, along jobs_due. Leases that are void are found here; the index holds
-- only jobs that are leased at the moment.
CREATE INDEX jobs_leased ON jobs (leased_until) WHERE leased_until IS NOT NULL;
