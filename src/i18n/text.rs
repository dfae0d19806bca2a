//! What can be said and printed, and in which languages: three closed lists.
//!
//! Knows no words; those stand in `words`, one file per language.

/// An enum and the list of all its variants: none can be missing from the list.
macro_rules! listed {
    ($(#[$about:meta])* $name:ident, $(#[$about_list:meta])* $list:ident:
     $($(#[$doc:meta])* $variant:ident,)+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        $(#[$about_list])*
        pub const $list: [$name; [$($name::$variant),+].len()] = [$($name::$variant),+];
    };
}

listed! {
    /// A language that a terminal can speak to shoppers.
    Lang,
    /// Every language, English first.
    LANGS:
    /// English.
    En,
    /// German.
    De,
    /// Swedish.
    Sv,
    /// Norwegian Bokmål.
    Nb,
    /// Danish.
    Da,
    /// Finnish.
    Fi,
    /// French.
    Fr,
    /// Dutch.
    Nl,
    /// Italian.
    It,
    /// Spanish.
    Es,
    /// Polish.
    Pl,
    /// Portuguese, as in Portugal.
    Pt,
    /// Czech.
    Cs,
    /// Hungarian.
    Hu,
    /// Romanian.
    Ro,
    /// Greek.
    El,
    /// Slovak.
    Sk,
    /// Estonian.
    Et,
    /// Latvian.
    Lv,
    /// Lithuanian.
    Lt,
}

listed! {
    /// Everything a shopper or a cashier can read on the terminal, amounts and the shop's own
    /// words aside.
    Text,
    /// Every text, in the order in which translators read them.
    TEXTS:
    /// Greeting while no payment runs.
    Welcome,
    /// Klarna can be used at this till.
    PayHere,
    /// A sale has come in and is being prepared.
    Preparing,
    /// What the QR code is for.
    ScanToPay,
    /// The shopper came back without paying and may scan again.
    ScanAgain,
    /// The shopper is paying on the phone.
    OnYourPhone,
    /// What to do on the phone.
    FinishOnPhone,
    /// The shopper has approved; the last step is running.
    Confirming,
    /// Asks for a moment of patience.
    OneMoment,
    /// The payment succeeded.
    Paid,
    /// Thanks.
    ThankYou,
    /// The payment was cancelled.
    Cancelled,
    /// The payment did not happen.
    NotCompleted,
    /// No money has moved.
    NothingCharged,
    /// Klarna does not offer this purchase.
    NotAvailable,
    /// Klarna cannot be reached.
    NoConnection,
    /// The shopper should use another means of payment.
    PayAnotherWay,
    /// The outcome is not known yet.
    PleaseWait,
    /// The shopper must not pay a second time and should ask.
    DoNotPayAgain,
    /// The terminal cannot take payments.
    OutOfService,
    /// The shopper should ask the staff.
    AskStaff,
    /// Stands before a code that staff can look up.
    Code,
    /// Stands before the minutes and seconds that are left.
    TimeLeft,
    /// The payment expires in a moment.
    TimeNearlyUp,
    /// The shopper's return is being carried out.
    Refunding,
    /// The return succeeded.
    Refunded,
    /// The return is recorded and will be carried out later.
    RefundQueued,
    /// When a recorded return is carried out.
    RefundFollows,
    /// To where the money is returned.
    MoneyGoesBack,
    /// New software is being installed.
    Updating,
    /// The terminal takes payments again soon.
    BackSoon,
    /// No till speaks to the terminal.
    NoTill,
    /// The terminal's clock cannot be right.
    ClockWrong,
    /// The terminal cannot record anything more.
    StorageFull,
    /// What the link beside the QR code is for.
    OpenLink,
    /// Title of the page about the terminal.
    TerminalInformation,
    /// Label of the software's version.
    Version,
    /// Label of the terminal's name.
    Terminal,
    /// Label of the state of the network.
    Network,
    /// Klarna can be reached.
    Online,
    /// Klarna cannot be reached.
    Offline,
    /// Label of the number of calls that wait for Klarna.
    Waiting,
    /// Label of the time at which Klarna last answered.
    LastSync,
    /// In place of that time when there is none.
    Never,
    /// Label of a code for whoever supports the terminal.
    Support,
    /// Label of the address of the store manager's pages.
    Console,
    /// Label of the beginning of the hash of those pages' certificate.
    Fingerprint,
    /// Label of the code with which the first user of those pages is made.
    SetUpCode,
}

listed! {
    /// A word on receipts that the screens do not use.
    Printed,
    /// Every word on receipts, in the order in which translators read them.
    PRINTED:
    /// The sale is paid.
    Paid,
    /// The sale is not paid.
    NotPaid,
    /// The sale was paid and all of it was given back.
    Voided,
    /// Label of date and time.
    Time,
    /// In place of date and time when the terminal's clock was not set.
    TimeNotSet,
    /// Label of the payment's number.
    Payment,
    /// Heading of the payment's name at Klarna.
    Reference,
    /// The till prints the receipt that counts for taxes; this is none.
    NotFiscal,
    /// The copy that the shop keeps.
    MerchantCopy,
    /// The copy that the shopper takes along.
    CustomerCopy,
    /// It was printed before.
    Duplicate,
    /// Title of a return's receipt.
    ReturnReceipt,
    /// Klarna has refused to give the money back.
    ReturnRefused,
    /// Label of the number of the payment that a return belongs to.
    OriginalPayment,
    /// Heading of the till's own name of a payment.
    TillReference,
    /// Heading of the shop's order number.
    OrderNumber,
    /// What the QR code on a receipt is for: it finds the payment for a return.
    ReturnCode,
    /// Title of a shift's sums; X or Z is put behind it.
    ShiftReport,
    /// Label of the shift's number.
    Shift,
    /// The shift goes on.
    ShiftOpen,
    /// The shift has ended.
    ShiftClosed,
    /// Label of the first and the last payment's number.
    Payments,
    /// Label of what was sold; a number of sales is put behind it.
    Sales,
    /// Label of sales that were given back as a whole; their number is put behind it.
    VoidedSales,
    /// Label of what was refunded; a number of refunds is put behind it.
    Refunds,
    /// Label of what was released after a part was captured.
    Released,
    /// Label of what is left of the sales; not a net amount in the sense of taxes.
    Balance,
    /// Heading of what is recorded and not carried out yet.
    WaitingForKlarna,
    /// Label of captures; their number is put behind it.
    Captures,
    /// Label of the number of captures that the shift's end has started.
    CapturesByClosing,
}
