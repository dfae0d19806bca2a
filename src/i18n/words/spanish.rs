//! Spanish; shoppers are addressed as «tú».

use crate::i18n::Text;

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Te damos la bienvenida",
        Text::PayHere => "Aquí puedes pagar con Klarna",
        Text::Preparing => "Preparando tu pago",
        Text::ScanToPay => "Escanea para pagar con Klarna",
        Text::ScanAgain => "No completado\u{a0}– escanea de nuevo",
        Text::OnYourPhone => "Continúa en tu móvil",
        Text::FinishOnPhone => "Aprueba el pago con Klarna",
        Text::Confirming => "Confirmando tu pago",
        Text::OneMoment => "Un momento, por favor",
        Text::Paid => "Pago aprobado",
        Text::ThankYou => "Gracias",
        Text::Cancelled => "Pago cancelado",
        Text::NotCompleted => "Pago no completado",
        Text::NothingCharged => "No se ha cobrado nada",
        Text::NotAvailable => "Klarna no está disponible para esta compra",
        Text::NoConnection => "Sin conexión con Klarna",
        Text::PayAnotherWay => "Paga de otra forma, por favor",
        Text::PleaseWait => "Espera, por favor",
        Text::DoNotPayAgain => "No pagues de nuevo. Pregunta al personal.",
        Text::OutOfService => "Fuera de servicio",
        Text::AskStaff => "Pregunta al personal",
        Text::Code => "Código",
    }
}
