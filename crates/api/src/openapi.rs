//! The OpenAPI 3.1 description: what the handlers do not say themselves, and the route it is
//! served at.

use crate::router;
use crate::teams::Member;
use crate::users::InTeam;
use crate::version::SERVER_VERSION;
use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, HeaderValue};
use std::sync::OnceLock;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme};
use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, OpenApi};
use utoipa::{PartialSchema, ToSchema};

/// The document that the routes are added to.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("Kapok", SERVER_VERSION);
    info.description = Some(
        "Webhooks and workflows. Successes answer 200 and wrap the record in its name; errors \
         answer `{statusCode, error, errorKey, correlationId}` under version 1 and `{message}` \
         under version 2. Every route answers under `/{space-slug}` as well."
            .to_owned(),
    );
    let mut components = Components::new();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::SESSION_COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let basic = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
    components.add_security_scheme("basic", basic);
    // Teams hold users who hold teams: their `no_recursion` fields register no schema themselves.
    components.schemas.insert(Member::name().into_owned(), Member::schema());
    components.schemas.insert(InTeam::name().into_owned(), InTeam::schema());
    let mut document = OpenApi::new(info, utoipa::openapi::Paths::new());
    document.components = Some(components);
    document.security = Some(vec![
        SecurityRequirement::new("basic", Vec::<String>::new()),
        SecurityRequirement::new("session", Vec::<String>::new()),
    ]);
    document
}

/// Marks every route of a group as one of administrators: the role stands in its security.
pub(crate) fn for_administrators(document: &mut OpenApi) {
    let requirement = |scheme: &str| SecurityRequirement::new(scheme, ["administrator"]);
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            operation.security = Some(vec![requirement("basic"), requirement("session")]);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let operations = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    operations.into_iter().filter_map(|(method, found)| Some((method, found.as_mut()?)))
}

/// Gives each operation the id that its method and path make, such as `getKappsForms`, since the
/// handlers' own names repeat from resource to resource.
pub(crate) fn finished(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
        }
    }
    document
}

fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/app/api/v1").unwrap_or(path);
    // Calls of web APIs stand beside the routes that keep them, one word apart.
    let path = path.replace("/app/webApis", "/call/webApis").replace("/app/kapps", "/call/kapps");
    let path = path.replace("/app/integrator/api", "/integrator");
    let path = path.replace("/app/api/v2", "/task").replace("/app", "");
    let mut id = method.to_owned();
    for word in path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    id
}

/// Returns this description.
#[utoipa::path(get, path = "/app/api/openapi.json", tag = "Server", security(()),
    responses((status = 200, description = "OpenAPI 3.1.")))]
pub(crate) async fn read() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], TEXT.get_or_init(text).as_str())
}

/// The description as indented JSON with a final newline.
pub fn text() -> String {
    let mut text = router::description().to_pretty_json().expect("plain data serialises");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn operations_have_ids_of_their_own() {
        assert_eq!(operation_id("get", "/app/api/v1/kapps/{kapp}/forms"), "getKappsKappForms");
        let text: serde_json::Value = serde_json::from_str(&text()).unwrap();
        let mut seen = BTreeSet::new();
        for item in text["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let Some(id) = operation["operationId"].as_str() else { continue };
                assert!(seen.insert(id.to_owned()), "{id} is there twice");
            }
        }
        assert!(seen.len() > 40, "{}", seen.len());
    }
    #[test]
    fn every_reference_leads_to_a_schema() {
        let text = text();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for reference in text.split("\"$ref\": \"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} is not there");
        }
    }
}
