//! `smtp_email_send_v1`: sends mail through the server that the operator configured.

use super::{Action, Effect, Handler, Inputs, Output, Outside, Work};
use super::{ERROR_HANDLING, is_raised, optional, required};
use runtime::mail::Mail;

pub(super) const HANDLER: Handler = Handler {
    id: "smtp_email_send_v1",
    name: "Send Mail",
    description: "Sends mail through the server that the operator configured.",
    parameters: &[
        ERROR_HANDLING,
        optional("from", "The sender; blank: the one that the operator configured."),
        required("to", "The recipients, separated by commas."),
        optional("cc", "Further recipients that all see."),
        optional("bcc", "Further recipients that nobody sees."),
        optional("reply_to", "Where answers go; blank: to the sender."),
        optional("subject", "The subject."),
        optional("htmlbody", "The body as HTML."),
        optional("textbody", "The body as plain text, for readers without HTML."),
    ],
    open: false,
    results: &[
        Output { name: "Message Id", description: "The Message-ID of the mail." },
        Output {
            name: "Handler Error Message",
            description: "What went wrong; blank when nothing did.",
        },
    ],
    // Mail servers take the same mail twice. What is known not to be sent is tried again.
    effect: Effect::Once,
    deferrable: true,
    work: Work::Act(act),
};

fn act(inputs: &Inputs<'_>) -> Result<Action, String> {
    let text = |id: &str| inputs.text(id).trim().to_owned();
    let mail = Mail {
        key: inputs.token.to_owned(),
        from: text("from"),
        to: inputs.required("to")?.trim().to_owned(),
        cc: text("cc"),
        bcc: text("bcc"),
        reply_to: text("reply_to"),
        subject: text("subject"),
        html: inputs.text("htmlbody").to_owned(),
        text: inputs.text("textbody").to_owned(),
    };
    Ok(Action::Outside(Outside::Mail { mail, is_raised: is_raised(inputs) }))
}
