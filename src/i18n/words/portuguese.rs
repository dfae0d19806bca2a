//! Portuguese of Portugal; shoppers are addressed in the third person.

use crate::i18n::{Printed, Text};

pub(super) fn text(text: Text) -> &'static str {
    match text {
        Text::Welcome => "Damos-lhe as boas-vindas",
        Text::PayHere => "Aqui pode pagar com Klarna",
        Text::Preparing => "A preparar o pagamento",
        Text::ScanToPay => "Leia o código para pagar com Klarna",
        Text::ScanAgain => "Não concluído\u{a0}– leia o código novamente",
        Text::OnYourPhone => "Continue no seu telemóvel",
        Text::FinishOnPhone => "Aprove o pagamento com Klarna",
        Text::Confirming => "A confirmar o pagamento",
        Text::OneMoment => "Um momento, por favor",
        Text::Paid => "Pagamento aprovado",
        Text::ThankYou => "Obrigado",
        Text::Cancelled => "Pagamento cancelado",
        Text::NotCompleted => "Pagamento não concluído",
        Text::NothingCharged => "Não foi cobrado nenhum valor",
        Text::NotAvailable => "A Klarna não está disponível para esta compra",
        Text::NoConnection => "Sem ligação à Klarna",
        Text::PayAnotherWay => "Pague de outra forma, por favor",
        Text::PleaseWait => "Aguarde, por favor",
        Text::DoNotPayAgain => "Não volte a pagar. Fale com a nossa equipa.",
        Text::OutOfService => "Fora de serviço",
        Text::AskStaff => "Fale com a nossa equipa",
        Text::Code => "Código",
        Text::TimeLeft => "Tempo restante",
        Text::TimeNearlyUp => "O tempo está quase a terminar",
        Text::Refunding => "A sua devolução está a ser processada",
        Text::Refunded => "Reembolso concluído",
        Text::RefundQueued => "Reembolso aceite",
        Text::RefundFollows => "O dinheiro será enviado assim que houver ligação à Klarna",
        Text::MoneyGoesBack => "O dinheiro é devolvido pelo mesmo meio de pagamento",
        Text::Updating => "Atualização de software",
        Text::BackSoon => "Voltamos dentro de alguns minutos",
        Text::NoTill => "Nenhuma caixa registadora ligada",
        Text::ClockWrong => "O relógio está errado",
        Text::StorageFull => "O armazenamento está cheio",
        Text::OpenLink => "Abra este link para pagar com Klarna",
        Text::TerminalInformation => "Informações do terminal",
        Text::Version => "Versão",
        Text::Terminal => "Terminal",
        Text::Network => "Rede",
        Text::Online => "Online",
        Text::Offline => "Offline",
        Text::Waiting => "Pendentes",
        Text::LastSync => "Última sincronização",
        Text::Never => "Nunca",
        Text::Support => "Código de suporte",
    }
}

pub(super) fn printed(word: Printed) -> &'static str {
    match word {
        Printed::Paid => "PAGO",
        Printed::NotPaid => "NÃO PAGO",
        Printed::Voided => "ANULADO",
        Printed::Time => "Data",
        Printed::TimeNotSet => "Hora não definida",
        Printed::Payment => "Pagamento",
        Printed::Reference => "Referência",
        Printed::NotFiscal => "Este documento não serve de fatura",
    }
}
