//! Spanish; shoppers are addressed as «tú».

use crate::i18n::{Printed, Text};

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
        Text::TimeLeft => "Tiempo restante",
        Text::TimeNearlyUp => "Queda muy poco tiempo",
        Text::Refunding => "Estamos tramitando tu devolución",
        Text::Refunded => "Reembolso completado",
        Text::RefundQueued => "Reembolso aceptado",
        Text::RefundFollows => "El dinero se enviará en cuanto haya conexión con Klarna",
        Text::MoneyGoesBack => "Recibirás el dinero por el mismo medio de pago",
        Text::Updating => "Actualización de software",
        Text::BackSoon => "Volvemos en unos minutos",
        Text::NoTill => "No hay ninguna caja conectada",
        Text::ClockWrong => "El reloj no está en hora",
        Text::StorageFull => "El almacenamiento está lleno",
        Text::OpenLink => "Abre este enlace para pagar con Klarna",
        Text::TerminalInformation => "Información del terminal",
        Text::Version => "Versión",
        Text::Terminal => "Terminal",
        Text::Network => "Red",
        Text::Online => "En línea",
        Text::Offline => "Sin conexión",
        Text::Waiting => "Pendientes",
        Text::LastSync => "Última sincronización",
        Text::Never => "Nunca",
        Text::Support => "Código de soporte",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "PAGADO",
        Printed::NotPaid => "NO PAGADO",
        Printed::Voided => "ANULADO",
        Printed::Time => "Fecha",
        Printed::TimeNotSet => "Hora sin ajustar",
        Printed::Payment => "Pago",
        Printed::Reference => "Referencia",
        Printed::NotFiscal => "Esto no es un recibo fiscal",
    }
}
