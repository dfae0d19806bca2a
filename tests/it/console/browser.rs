//! A browser as far as the console needs one: TLS that trusts this terminal's certificate alone,
//! cookies, and the forms of a page.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Only a stuck test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// An answer.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
    /// Where it leads, if it leads elsewhere.
    pub to: Option<String>,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The fields of the form with this action, as it would be sent without typing anything.
    pub fn form(&self, action: &str) -> BTreeMap<String, String> {
        let begin = format!("action=\"{action}\"");
        let form = self.text.split("<form").find(|form| form.contains(&begin));
        let form = form.unwrap_or_else(|| panic!("no form {action} in {}", self.text));
        let form = form.split("</form>").next().expect("a form's inside");
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            Some(unescape(rest.split('"').next()?))
        };
        let inputs = form.split("<input").skip(1).filter_map(|tag| {
            let tag = tag.split('>').next()?;
            let kind = attribute(tag, "type").unwrap_or_default();
            (kind == "hidden").then_some(())?;
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        });
        inputs.collect()
    }

    /// What is asserted of every page: it is no error, and says this.
    pub fn says(&self, words: &str) -> &Self {
        assert!(self.text.contains(words), "{words:?} is not in {} {}", self.status, self.text);
        self
    }
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// One browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    pub client: reqwest::Client,
    pub base: String,
    pub cookie: Option<String>,
    pub language: &'static str,
}

impl Browser {
    /// For the console at `address` of the terminal whose database is at `store`.
    pub fn new(address: &str, store: &Path) -> Self {
        let mut certificate = store.as_os_str().to_owned();
        certificate.push(".console-cert.pem");
        let begun = Instant::now();
        let certificate = loop {
            match CertificateDer::from_pem_file(&certificate) {
                Ok(certificate) => break certificate,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "no certificate: {error}"),
            }
            std::thread::sleep(LOOK);
        };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("test browser")
            .timeout(PATIENCE)
            .build()
            .expect("a client");
        Self { client, base: format!("https://{address}"), cookie: None, language: "en" }
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("accept-language", self.language);
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    /// Sends whatever was made; keeps the cookie that comes back.
    pub async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let begun = Instant::now();
        let answer = loop {
            let again = request.try_clone().expect("a body that can be sent again");
            match again.send().await {
                Ok(answer) => break answer,
                // The console opens beside the till's line, not before it.
                Err(error) if error.is_connect() && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        };
        let headers: Vec<(String, String)> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let status = answer.status().as_u16();
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
        let to = find("location").map(|(_, value)| value.clone());
        let set = headers.iter().filter(|(name, _)| name == "set-cookie");
        for (_, value) in set.filter(|(_, value)| value.starts_with("__Host-console=")) {
            let pair = value.split(';').next().unwrap_or_default();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        let text = answer.text().await.expect("a body");
        Page { status, headers, text, to }
    }

    pub fn get_request(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// A form as a browser sends it from one of our own pages.
    pub fn post_request(
        &self,
        path: &str,
        fields: &BTreeMap<String, String>,
    ) -> reqwest::RequestBuilder {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.request(reqwest::Method::POST, path)
            .header("origin", &self.base)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish())
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.get_request(path);
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, fields: &BTreeMap<String, String>) -> Page {
        let request = self.post_request(path, fields);
        self.send(request).await
    }

    /// The page at `path` once it says `words`.
    pub async fn until(&mut self, path: &str, words: &str) -> Page {
        let begun = Instant::now();
        loop {
            let page = self.get(path).await;
            if page.text.contains(words) {
                return page;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} never says {words:?}: {}", page.text);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Fills in a form of a page and sends it.
    pub async fn fill(&mut self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let mut fields = page.form(action);
        for (name, value) in typed {
            fields.insert((*name).to_owned(), (*value).to_owned());
        }
        self.post(action, &fields).await
    }

    pub async fn sign_in(&mut self, name: &str, pin: &str) -> Page {
        let page = self.get("/sign-in").await;
        self.fill(&page, "/sign-in", &[("name", name), ("pin", pin)]).await
    }
}
