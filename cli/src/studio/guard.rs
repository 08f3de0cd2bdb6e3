//! Who may ask: this page, in a browser on this machine. Another page that the same browser shows may not, by whatever name it
//! reaches the program.

use super::answer::Refusal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Nothing from elsewhere, nothing inline, in no other page's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Lets through what this page asks under one of the program's own `names`, and tells the browser what the page may do.
pub(super) async fn guard(State(names): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let mut response = match check(&names, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(names: &[String], method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let forbidden =
        |what: &str, remedy: &str| Err(Refusal::new(StatusCode::FORBIDDEN, what, "studio", remedy));
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    // A name that leads here by a record of somebody else's is not this page's (DNS rebinding).
    let hosts: Vec<_> = headers.get_all(header::HOST).iter().collect();
    if hosts.len() != 1 || !text(header::HOST).is_some_and(|host| is_own(names, host)) {
        return forbidden("the request names another host", "open the address that the program printed");
    }
    if let Some(origin) = text(header::ORIGIN)
        && !origin.strip_prefix("http://").is_some_and(|host| is_own(names, host))
    {
        return forbidden("the request comes from another page", "open the address that the program printed");
    }
    if let Some(site) = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"))
        && !matches!(site, "same-origin" | "none")
        && *method != Method::GET
    {
        return forbidden("the request comes from another page", "open the address that the program printed");
    }
    // A form of another page cannot send this type without the browser's asking first.
    if *method == Method::POST && text(header::CONTENT_TYPE) != Some("application/json") {
        let what = "the request is no JSON";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what, "studio", "load the page again"));
    }
    Ok(())
}

fn is_own(names: &[String], host: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: Method, headers: &[(&'static str, &'static str)]) -> Option<StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let names = ["127.0.0.1:4173".to_string(), "localhost:4173".to_string()];
        check(&names, &method, &map).err().map(|refusal| refusal.into_response().status())
    }

    #[test]
    fn the_page_itself_is_let_through() {
        assert_eq!(checked(Method::GET, &[("host", "127.0.0.1:4173")]), None);
        assert_eq!(
            checked(Method::GET, &[("host", "LOCALHOST:4173"), ("sec-fetch-site", "cross-site")]),
            None
        );
        let post = [
            ("host", "localhost:4173"),
            ("origin", "http://localhost:4173"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
        ];
        assert_eq!(checked(Method::POST, &post), None);
    }

    #[test]
    fn others_are_not() {
        let forbidden = Some(StatusCode::FORBIDDEN);
        for host in [
            "evil.example:4173",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1.evil.example:4173",
            "",
            "user@127.0.0.1:4173",
        ] {
            assert_eq!(checked(Method::GET, &[("host", host)]), forbidden, "{host}");
        }
        assert_eq!(checked(Method::GET, &[]), forbidden);
        assert_eq!(checked(Method::GET, &[("host", "127.0.0.1:4173"), ("host", "evil.example")]), forbidden);
        let json = ("content-type", "application/json");
        for origin in [
            "null",
            "http://evil.example",
            "https://localhost:4173",
            "http://localhost:4173.evil.example",
            "http://localhost",
        ] {
            let asked = [("host", "localhost:4173"), ("origin", origin), json];
            assert_eq!(checked(Method::POST, &asked), forbidden, "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(
                checked(Method::POST, &[("host", "localhost:4173"), ("sec-fetch-site", site), json]),
                forbidden
            );
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let asked = [("host", "localhost:4173"), ("content-type", kind)];
            assert_eq!(checked(Method::POST, &asked), Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{kind}");
        }
    }
}
