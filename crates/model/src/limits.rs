//! Every limit of the platform, named, with its unit and its reason.

/// Bytes of one request body: room for a large exported tree, small enough to hold in memory.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of one event payload; larger changes are refused with 413 rather than half recorded.
pub const PAYLOAD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Characters of a name (kapp, form, webhook, team, user): what a table column can show.
pub const NAME_CHARS_MAX: usize = 255;
/// Characters of a slug: it travels in paths.
pub const SLUG_CHARS_MAX: usize = 128;
/// Characters of a free text such as a description or notes.
pub const TEXT_CHARS_MAX: usize = 65_536;
/// Characters of a webhook filter: an expression, not a program.
pub const FILTER_CHARS_MAX: usize = 10_000;
/// Characters of a URL template and of what it renders to (common servers stop at 8 KiB).
pub const URL_CHARS_MAX: usize = 4_096;
/// Values of one attribute, and attributes of one record.
pub const ATTRIBUTES_MAX: usize = 500;
/// Webhooks of one space or kapp.
pub const WEBHOOKS_MAX: usize = 1_000;
/// Custom headers of one webhook: common servers take some hundred in all.
pub const HEADERS_MAX: usize = 50;
/// Characters of a custom header's name.
pub const HEADER_NAME_CHARS_MAX: usize = 128;
/// Bytes of a custom header's value: common servers take 8 KiB for all.
pub const HEADER_VALUE_BYTES_MAX: usize = 4_096;
/// Bytes of a password, a token, a certificate chain or a key.
pub const CREDENTIAL_BYTES_MAX: usize = 64 * 1024;
/// Characters of a payload template: an expression, not a program.
pub const TEMPLATE_CHARS_MAX: usize = 20_000;
/// Signing keys of one kind and space that sign at once: each adds a signature to every delivery.
pub const SIGNING_KEYS_AT_ONCE: usize = 5;
/// Signing keys of one space that are kept, revoked ones included.
pub const SIGNING_KEYS_MAX: usize = 200;
/// Milliseconds a retiring key goes on signing, unless told otherwise: a day for receivers to
/// change over.
pub const SIGNING_OVERLAP_MS: i64 = 24 * 60 * 60 * 1_000;
/// Hours of overlap at most: a quarter of a year.
pub const SIGNING_OVERLAP_HOURS_MAX: i64 = 90 * 24;
/// Fields of one form.
pub const FIELDS_MAX: usize = 2_000;

/// Rows of a list page unless `limit` says otherwise (reference: 25).
pub const PAGE_ROWS: i64 = 25;
/// Rows of a list page at most (reference: 1000).
pub const PAGE_ROWS_MAX: i64 = 1_000;

/// Approvals are counted no further than this: whoever has more needs no exact number, and every
/// open page of the console asks.
pub const APPROVALS_COUNTED_MAX: i64 = 1_000;

/// Jobs that one page of a search looks at one by one, when no index answers what is asked; the
/// next page goes on where it stopped.
pub const SEARCH_ROWS_MAX: i64 = 100_000;
/// Jobs that one statement of a search looks at: a few milliseconds of a reader.
pub const SEARCH_STEP_ROWS: i64 = 2_000;
/// Milliseconds after which a page of a search ends with what it has: people wait for it.
pub const SEARCH_MS: u64 = 1_000;
/// Jobs that a count looks at one by one before it says "at least".
pub const COUNT_ROWS_MAX: i64 = 20_000;
/// Jobs that one recovery may name one by one; more are named by a filter.
pub const RECOVERY_IDS_MAX: usize = 10_000;
/// Jobs that a recovery deals with in one transaction: some 20 ms of the writer.
pub const RECOVERY_BATCH: i64 = 100;
/// Jobs in a second that a recovery may be asked for.
pub const RECOVERY_RATE_MAX: f64 = 1_000.0;
/// Jobs in a second of a recovery that does not say: what most receivers take beside their work.
pub const RECOVERY_RATE: f64 = 50.0;
/// Jobs that a preview of a recovery counts by webhook and class.
pub const RECOVERY_PREVIEW_ROWS: i64 = 10_000;
/// Events that a preview of missing jobs evaluates.
pub const RECOVERY_PREVIEW_EVENTS: i64 = 1_000;
/// Jobs or events counted before a recovery begins; more are told as "at least".
pub const RECOVERY_COUNT_MAX: i64 = 1_000_000;
/// Recoveries that may run in one space at once.
pub const RECOVERIES_RUNNING_MAX: i64 = 20;

/// Bytes of requests and responses in one page of jobs; what is larger gets a page of its own.
pub const PAGE_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Causal depth at which an event fires no more webhooks: a workflow that updates the submission
/// that started it stops here, with the verdict `depth_limit`.
pub const CAUSE_DEPTH_MAX: i64 = 25;

/// Milliseconds a webhook filter or URL part may compute (measured: 0.6–0.84 µs is usual).
pub const JS_EVALUATION_MS: u64 = 100;
/// Bytes of memory of one JavaScript runtime.
pub const JS_MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of stack of one JavaScript runtime.
pub const JS_STACK_BYTES_MAX: usize = 256 * 1024;
/// Steps of one Ruby evaluation: a step is one expression node visited.
pub const RUBY_STEPS_MAX: u64 = 1_000_000;
/// Depth of nested Ruby calls and blocks.
pub const RUBY_DEPTH_MAX: usize = 100;
/// Bytes of one Ruby string, and of all that one evaluation makes.
pub const RUBY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of source of one Ruby expression or ERB template.
pub const RUBY_SOURCE_BYTES_MAX: usize = 1024 * 1024;

/// Milliseconds of one delivery attempt in total, from name resolution to the last body byte.
pub const ATTEMPT_MS: u64 = 30_000;
/// Milliseconds in which [`PROGRESS_BYTES_MIN`] of a response body must arrive: whoever drips a
/// byte a second does not hold a slot until the deadline.
pub const PROGRESS_MS: u64 = 10_000;
/// Bytes of a response body that must arrive in [`PROGRESS_MS`].
pub const PROGRESS_BYTES_MIN: usize = 64;
/// Bytes of a response body that are kept; what follows is cut and said to be cut.
pub const RESPONSE_KEPT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a response body that are read at all before the attempt fails as `too_large`.
pub const RESPONSE_READ_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Deliveries under way at once on a node.
pub const DELIVERIES_AT_ONCE: usize = 512;
/// Deliveries under way at once to one endpoint.
pub const DELIVERIES_PER_LANE: usize = 64;
/// Milliseconds a job or run stays leased to a node that does not renew.
pub const LEASE_MS: i64 = 60_000;
/// Milliseconds for which `Retry-After` may pause a lane; who asks for more is asked again.
pub const RETRY_AFTER_MS_MAX: i64 = 3_600_000;
/// Attempts of a webhook job before it is Failed for good, when no policy says otherwise.
pub const ATTEMPTS_MAX: i64 = 12;

/// Failures in a row that a space may set as the threshold of its notices: more is never told.
pub const NOTICE_FAILURES_MAX: u32 = 1_000;
/// Addresses that notices are mailed to: a list of people, or one address of a mailing list.
pub const NOTICE_ADDRESSES_MAX: usize = 20;
/// Bytes of a mail address (RFC 5321, 4.5.3.1.3: a path with its angle brackets is 256).
pub const MAIL_ADDRESS_BYTES_MAX: usize = 254;
/// Days that notices are kept: what people look back at.
pub const NOTICE_DAYS: i64 = 90;

/// Request inspectors of one space: they are for developing, not a service.
pub const INSPECTORS_MAX: usize = 100;
/// Requests that one inspector keeps; older ones go.
pub const INSPECTIONS_MAX: i64 = 500;
/// Bytes of bodies and headers that one inspector keeps; older requests go.
pub const INSPECTIONS_BYTES_MAX: i64 = 16 * 1024 * 1024;
/// Milliseconds that an inspector keeps a request: a week.
pub const INSPECTIONS_MS_MAX: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Bytes of a body that an inspector keeps: whatever Kapok itself may send.
pub const INSPECTION_BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;
/// Bytes of a body that a list of inspected requests shows; the single request shows all.
pub const INSPECTION_LISTED_BYTES_MAX: usize = 64 * 1024;
/// Requests to one inspector in a second.
pub const INSPECTIONS_PER_SECOND: u32 = 200;
/// Requests to unknown inspectors from one address in a minute, before they are refused unheard.
pub const INSPECTOR_MISSES_PER_MINUTE: u32 = 60;
/// Milliseconds an inspector may wait before it answers: as long as an attempt may take.
pub const INSPECTOR_DELAY_MS_MAX: i64 = 30_000;
/// Headers that an inspector answers with.
pub const INSPECTOR_HEADERS_MAX: usize = 20;

/// Connections of one space: one for each system, and lists show all of them.
pub const CONNECTIONS_MAX: usize = 500;
/// Operations of one connection: a large API has some hundred calls.
pub const OPERATIONS_MAX: usize = 1_000;
/// Named secrets of one connection.
pub const CONNECTION_SECRETS_MAX: usize = 50;
/// Inputs of one operation: what a person can fill in.
pub const OPERATION_INPUTS_MAX: usize = 200;
/// Outputs of one operation, children included.
pub const OPERATION_OUTPUTS_MAX: usize = 500;
/// Bytes of an operation's request and outputs as JSON: templates, not documents.
pub const OPERATION_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a request that an operation may render.
pub const OPERATION_REQUEST_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;
/// Bytes of an answer that an operation reads: results of a task have the same limit.
pub const OPERATION_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Items of a list that an output's children are made for.
pub const OPERATION_ITEMS_MAX: usize = 10_000;
/// Characters of an operation's SQL statement: a report, not a program.
pub const STATEMENT_CHARS_MAX: usize = 20_000;
/// Parameters of an operation's SQL statement: what a person can fill in.
pub const STATEMENT_PARAMETERS_MAX: usize = OPERATION_INPUTS_MAX;
/// Rows of a statement's answer: as many as an output makes children for.
pub const STATEMENT_ROWS_MAX: usize = OPERATION_ITEMS_MAX;
/// Statements at once through one connection to a database: databases often take 100 in all.
pub const POOL_SIZE_MAX: i64 = 100;

/// Nodes of one tree.
pub const NODES_MAX: usize = 5_000;
/// Pure steps of a run between two commits.
pub const STEPS_PER_COMMIT_MAX: usize = 1_000;
/// Pure steps of a run that are done with its start: whoever caused it waits for them.
pub const STEPS_AHEAD_MAX: usize = 100;
/// Node executions of one run: a cyclic tree ends here with a Tree error.
pub const TASKS_PER_RUN_MAX: i64 = 100_000;
/// Items of one loop: each is at least one task, and the open ones are kept with the run.
pub const LOOP_ITEMS_MAX: usize = 10_000;
/// Messages of one task, and verdicts on its connectors; older ones go. An open task is written
/// with every step, and each update that it was brought stands in the run's triggers as well.
pub const TASK_ENTRIES_MAX: usize = 10_000;
/// Bytes of one task's results.
pub const RESULTS_BYTES_MAX: usize = 1024 * 1024;

/// Failed sign-ins of one username, or from one address, before more are refused unheard.
pub const SIGN_IN_FAILURES_MAX: usize = 10;
/// Milliseconds in which failed sign-ins are counted.
pub const SIGN_IN_FAILURES_MS: i64 = 10 * 60 * 1_000;
/// Usernames and addresses whose failed sign-ins are counted: some 10 MB.
pub const SIGN_IN_NAMES_MAX: usize = 100_000;
/// Milliseconds a session lasts without a request.
pub const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;
/// Passwords that are verified at once: each takes 19 MiB and a core for some 20 ms.
pub const PASSWORDS_AT_ONCE: usize = 4;
/// Characters of a password at least.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Bytes of a password at most: more is not a password but work for the hash.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Verified credentials and sessions that are kept: some 10 MB.
pub const VERIFIED_MAX: usize = 10_000;

/// Characters of a query (`q`): an expression, not a program.
pub const QUERY_CHARS_MAX: usize = 10_000;
/// Nested parentheses of a query; each level is a call.
pub const QUERY_DEPTH_MAX: usize = 50;
/// Submissions looked at for one page or count whose query the database cannot answer alone: what
/// a reader does in some 100 ms.
pub const QUERY_ROWS_MAX: usize = 10_000;
/// Users that one list looks at.
pub const USERS_LISTED_MAX: i64 = 100_000;
/// Submissions that are deleted with their kapp in one transaction; more would stall the writer.
pub const KAPP_SUBMISSIONS_DELETED_MAX: i64 = 10_000;
/// Forms that are kept in memory with their kapp and space, some 50 kB each.
pub const FORMS_KEPT_MAX: usize = 1_000;

/// Days that history can be kept besides "for ever": a century.
pub const RETENTION_DAYS_MAX: i64 = 36_500;
/// Bytes that history may be limited to: below 100 MB a busy hour would not fit.
pub const RETENTION_BYTES_MIN: i64 = 100_000_000;
/// Rows that purging looks at, or deletes, in one transaction: some 10 ms of the one writer, where
/// all in one go held others up for 45 ms and more.
pub const PURGE_ROWS: i64 = 500;
/// Rows of each kind that a preview of purging counts: more is "at least".
pub const PURGE_PREVIEW_ROWS: i64 = 20_000;
/// Seconds that a node's HTTP request may be given: people wait for runs, not for one answer.
pub const HTTP_TIMEOUT_SECONDS_MAX: u64 = 120;
/// External handlers of one space: nobody finds one among more.
pub const EXTERNAL_HANDLERS_MAX: usize = 500;
/// Parameters, and results, that one handler declares: those of a whole record of a large system.
pub const HANDLER_FIELDS_MAX: usize = 250;
/// Bytes of a handler's declaration in a package: some hundred parameters take 50 kB.
pub const HANDLER_DECLARATION_BYTES_MAX: u64 = 512 * 1024;
/// Bytes of a package whose declaration is read; libraries that come along take most of it.
pub const HANDLER_PACKAGE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Files in a package: a library for Java or Ruby has some hundred.
pub const HANDLER_PACKAGE_FILES_MAX: usize = 5_000;
/// Tasks that are looked at for those of one handler: no index leads there, and reading so many
/// takes some 10 ms.
pub const TASKS_SEARCHED_MAX: i64 = 20_000;
/// Seconds an external handler may take to answer; what takes longer defers.
pub const EXTERNAL_SECONDS_MAX: i64 = 120;
/// Milliseconds for a mail from the look-up of the mail server to its last answer.
pub const MAIL_MS: u64 = 60_000;
/// Bytes of a mail: what common mail servers take, attachments aside.
pub const MAIL_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Recipients of one mail: more are a mailing list's task.
pub const MAIL_RECIPIENTS_MAX: usize = 100;
