//! Sealing what is stored with the present master key: secrets that an earlier version left in
//! clear, and those sealed with a key that is being replaced.

use crate::{Error, Webhooks};
use model::webhook::Webhook;
use runtime::vault::Vault;

/// The webhook with its secrets sealed anew; `None` when they are.
fn resealed(vault: &Vault, webhook: &Webhook) -> Option<Webhook> {
    let auth_strategy = super::legacy::resealed(vault, webhook);
    let request = super::request::resealed(vault, webhook);
    if auth_strategy.is_none() && request.is_none() {
        return None;
    }
    Some(Webhook {
        auth_strategy: auth_strategy.or_else(|| webhook.auth_strategy.clone()),
        request: request.or_else(|| webhook.request.clone()),
        ..webhook.clone()
    })
}

impl Webhooks {
    /// Seals every stored secret with the key that seals now; to be called at the start. What
    /// cannot be opened stays as it is. Repeating it, or doing it on many nodes at once, does no
    /// harm: a record that moved meanwhile is left to whoever moved it. Returns how many records
    /// were sealed.
    ///
    /// # Errors
    /// `Store`.
    pub async fn reseal(&self) -> Result<usize, Error> {
        let vault = self.inner.vault.clone();
        let (webhooks, keys) = self
            .read(|tx| Ok((store::webhooks::with_secrets(tx)?, store::signing_keys::all(tx)?)))
            .await?;
        let webhooks = webhooks.iter().filter_map(|webhook| resealed(&vault, webhook));
        let mut count = 0;
        for webhook in webhooks {
            let space = webhook.space_id.clone();
            let write = self.inner.store.write(move |tx| store::webhooks::update(tx, &webhook));
            count += usize::from(write.await?);
            self.moved(&space);
        }
        for key in keys.into_iter().filter(|key| !vault.is_current(&key.sealed)) {
            let place = crate::sign::place(&key.id);
            let Ok(secret) = vault.open(&place, &key.sealed) else { continue };
            let sealed = vault.seal(&place, secret.expose());
            let write =
                self.inner.store.write(move |tx| store::signing_keys::reseal(tx, &key, &sealed));
            count += usize::from(write.await?);
        }
        for connection in self.read(|tx| Ok(store::connections::all(tx)?)).await? {
            let from = connection.lock_version;
            let Some(resealed) = crate::connections::resealed(&vault, connection) else { continue };
            let write =
                self.inner.store.write(move |tx| store::connections::update(tx, &resealed, from));
            count += usize::from(write.await?);
        }
        Ok(count)
    }
}
