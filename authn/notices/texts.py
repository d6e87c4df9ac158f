"""The sentences of each kind of mail: what happened, what is still safe, what to do now.

They are message ids, translated when the mail is written; `%(device)s` and the like are filled in
then.
"""

from dataclasses import dataclass

from authn.errors import N_
from authn.notices.kinds import (
    AccountRecoveryBegunNotice,
    AccountRecoveryCancelledNotice,
    ActivationLinkNotice,
    AddressAddedNotice,
    AddressConfirmationNotice,
    AddressConfirmedNotice,
    AddressRemovedNotice,
    DeskCodeNotice,
    DeviceAddedNotice,
    DeviceCopiedNotice,
    DeviceDormantSoonNotice,
    DeviceResumedNotice,
    DeviceSuspendedNotice,
    DeviceUnlinkedNotice,
    EmergencyBlockNotice,
    EmergencyLinkNotice,
    IdentityMatchedNotice,
    IdentityPartedNotice,
    Notice,
    OperatorCodeNotice,
    OtherDevicesSuspendedNotice,
    PersonsMergedNotice,
    ProfilesEndedNotice,
    RoleChangedNotice,
    UnusualApprovalsNotice,
    UnusualRequestsNotice,
)


@dataclass(frozen=True, slots=True)
class NoticeTexts:
    """The sentences of one kind of mail.

    `not_me` explains the link "this was not me" and `not_me_button` is its words; `action` is the
    words of the link that the mail is for, "" without.
    """

    subject: str
    happened: str
    safe: str
    todo: str
    not_me: str = N_("See what you can do at once. You need not sign in.")
    not_me_button: str = N_("This was not me")
    action: str = ""


OTHERS_WORK = N_("Your account and your other devices work as before.")
DEVICES_WORK = N_("Your devices work as before.")
NOTHING_TO_DO = N_("If this was you, there is nothing to do.")
ASK_AROUND = N_("If you did not expect this, ask the other operators and supervisors today.")

TEXTS: dict[type[Notice], NoticeTexts] = {
    DeviceAddedNotice: NoticeTexts(
        subject=N_("A device was added to your account"),
        happened=N_("“%(device)s” can now sign in to your account."),
        safe=OTHERS_WORK,
        todo=NOTHING_TO_DO,
        not_me=N_("Block this device with one button. You need not sign in."),
        not_me_button=N_("This was not me: block it"),
    ),
    DeviceUnlinkedNotice: NoticeTexts(
        subject=N_("A device was removed from your account"),
        happened=N_("“%(device)s” can no longer sign in. Everything opened with it has ended."),
        safe=OTHERS_WORK,
        todo=NOTHING_TO_DO,
    ),
    DeviceSuspendedNotice: NoticeTexts(
        subject=N_("A device of yours was blocked"),
        happened=N_("“%(device)s” can no longer sign in. Everything opened with it has ended."),
        safe=OTHERS_WORK,
        todo=N_("To use it again, unblock it in “My devices” with another device."),
    ),
    OtherDevicesSuspendedNotice: NoticeTexts(
        subject=N_("All your devices but one were blocked"),
        happened=N_("Only “%(device)s” can sign in now. All else that was open has ended."),
        safe=N_("Your account is still there, and no device was removed."),
        todo=N_("To use another one again, unblock it in “My devices” with this one."),
    ),
    DeviceResumedNotice: NoticeTexts(
        subject=N_("A blocked device works again"),
        happened=N_("“%(device)s” was blocked. It can sign in to your account again."),
        safe=OTHERS_WORK,
        todo=NOTHING_TO_DO,
    ),
    DeviceCopiedNotice: NoticeTexts(
        subject=N_("A key of yours may have been copied"),
        happened=N_("The key of “%(device)s” may exist twice. We blocked this device."),
        safe=N_("Nobody can sign in with that key now. Your other devices work as before."),
        todo=N_("Remove the device in “My devices”. You can add it again with a new key."),
    ),
    DeviceDormantSoonNotice: NoticeTexts(
        subject=N_("A device that you do not use will be blocked"),
        happened=N_("“%(device)s” was not used for a long time. We block it on %(on)s."),
        safe=OTHERS_WORK,
        todo=N_("Sign in with it before that day if you want to keep it."),
    ),
    EmergencyBlockNotice: NoticeTexts(
        subject=N_("All your devices were blocked"),
        happened=N_("Somebody told us that your devices are lost. All of them were blocked."),
        safe=N_("Nobody can sign in with them. Your account and your data are still there."),
        todo=N_("To come back, prove who you are or ask for an activation code."),
    ),
    AccountRecoveryBegunNotice: NoticeTexts(
        subject=N_("Somebody wants to come back into your account"),
        happened=N_("They proved to be you. They can add a device from %(opens)s."),
        safe=N_("No device was added yet."),
        todo=N_("If this was you, add your device from that moment on."),
        not_me=N_("Cancel this with one button. You need not sign in."),
        not_me_button=N_("This was not me: cancel it"),
    ),
    AccountRecoveryCancelledNotice: NoticeTexts(
        subject=N_("The way back into your account was closed"),
        happened=N_("Somebody wanted to come back into your account. This was cancelled."),
        safe=N_("No device was added. Your devices are as they were."),
        todo=N_("If you still want to come back, start again."),
    ),
    DeskCodeNotice: NoticeTexts(
        subject=N_("Somebody asked for an activation code for your account"),
        happened=N_("They showed an identity document of yours at a desk."),
        safe=N_("The code can be had from %(opens)s. No device was added yet."),
        todo=NOTHING_TO_DO,
        not_me=N_("Cancel this with one button. You need not sign in."),
        not_me_button=N_("This was not me: cancel it"),
    ),
    OperatorCodeNotice: NoticeTexts(
        subject=N_("Somebody asked for an activation code for your account"),
        happened=N_(
            "The operator of this service asked for the code, at the machine of this service."
        ),
        safe=N_("No device was added yet."),
        todo=NOTHING_TO_DO,
        not_me=N_("Cancel this with one button. You need not sign in."),
        not_me_button=N_("This was not me: cancel it"),
    ),
    ActivationLinkNotice: NoticeTexts(
        subject=N_("The second part of your activation code"),
        happened=N_("You got a letter with an activation code. This mail belongs to it."),
        safe=N_("The letter or this mail alone is not enough."),
        todo=N_("Open the page on the device that you want to use. It works until %(until)s."),
        action=N_("Use my activation code"),
    ),
    IdentityMatchedNotice: NoticeTexts(
        subject=N_("A foreign identity was matched to you"),
        happened=N_(
            "This was done at a desk, where an identity document of yours was shown. Whoever "
            "proves that foreign identity comes to your account from now on."
        ),
        safe=DEVICES_WORK,
        todo=NOTHING_TO_DO,
        not_me=N_("Take this away with one button. You need not sign in."),
        not_me_button=N_("This was not me: take it away"),
    ),
    IdentityPartedNotice: NoticeTexts(
        subject=N_("A foreign identity leads to you no more"),
        happened=N_(
            "It was matched to you before. Whoever proves it comes to your account no more."
        ),
        safe=DEVICES_WORK,
        todo=N_("If that identity is yours, come to a desk with your identity document."),
    ),
    AddressAddedNotice: NoticeTexts(
        subject=N_("A mail address was added to your account"),
        happened=N_("%(address)s gets mails like this one once it is confirmed."),
        safe=DEVICES_WORK,
        todo=NOTHING_TO_DO,
    ),
    AddressConfirmedNotice: NoticeTexts(
        subject=N_("A mail address was confirmed"),
        happened=N_("%(address)s gets mails like this one from now on."),
        safe=DEVICES_WORK,
        todo=NOTHING_TO_DO,
    ),
    AddressRemovedNotice: NoticeTexts(
        subject=N_("A mail address was removed from your account"),
        happened=N_("%(address)s gets no more mails like this one."),
        safe=DEVICES_WORK,
        todo=NOTHING_TO_DO,
    ),
    AddressConfirmationNotice: NoticeTexts(
        subject=N_("Confirm your mail address"),
        happened=N_("Somebody wants to be told at this address what happens to their account."),
        safe=N_("If this was not you, do nothing. We will not write to you again."),
        todo=N_("If this was you, open the page and press the button. It works until %(until)s."),
        action=N_("Confirm this address"),
    ),
    EmergencyLinkNotice: NoticeTexts(
        subject=N_("Block all your devices"),
        happened=N_("Somebody told us that your devices are lost. You can block them all."),
        safe=N_("Nothing is blocked yet. If this was not you, do nothing."),
        todo=N_("If this was you, open the page and press the button."),
        action=N_("Block all my devices"),
    ),
    ProfilesEndedNotice: NoticeTexts(
        subject=N_("You can no longer act in a capacity that you had"),
        happened=N_("This has ended: %(capacities)s."),
        safe=N_("You can still act as a citizen. Your devices work as before."),
        todo=N_("If this is not right, ask the register or the organisation that decides on it."),
    ),
    PersonsMergedNotice: NoticeTexts(
        subject=N_("Your two accounts are one from now on"),
        happened=N_("You had an account under each of two national numbers. We joined them."),
        safe=N_("The devices of both still sign you in. What was open on some of them has ended."),
        todo=N_("Look at “My devices”. If one is not yours, remove it and tell the help desk."),
    ),
    UnusualRequestsNotice: NoticeTexts(
        subject=N_("One person alone gave an application much"),
        happened=N_(
            "At the machine of this service “%(target)s” was given what a second operator must "
            "agree to. There was no second operator, so nobody else agreed."
        ),
        safe=N_("You get this mail because you are an operator or a supervisor."),
        todo=ASK_AROUND,
    ),
    UnusualApprovalsNotice: NoticeTexts(
        subject=N_("An application was given much"),
        happened=N_(
            "“%(target)s” was given what a second operator must agree to. It was asked at the "
            "machine of this service, and %(person)s agreed."
        ),
        safe=N_("You get this mail because you are an operator or a supervisor."),
        todo=ASK_AROUND,
    ),
    RoleChangedNotice: NoticeTexts(
        subject=N_("A role of %(person)s at the help desk has changed"),
        happened=N_("%(person)s has the role %(role)s at the desk %(desk)s from now on."),
        safe=N_("You get this mail because you are an operator or a supervisor, or were one."),
        todo=ASK_AROUND,
    ),
}
ROLES: dict[str, str] = {"operator": N_("operator"), "supervisor": N_("supervisor")}
ROLE_ENDED = N_("%(person)s has the role %(role)s no more.")

# Why a device was blocked, by reason, after what happened; other reasons have no sentence.
WHY: dict[str, str] = {
    "holder": N_("It was blocked with one of your devices."),
    "counter": N_("Its key may have been copied."),
    "emergency": N_("Somebody told us that your devices are lost."),
    "return": N_("Somebody proved to be you, and comes back without a device."),
    "notice": N_("It was blocked with the button in one of our mails."),
    "desk": N_("The help desk blocked it."),
    "dormant": N_("It was not used for a long time."),
}
# What to do, by reason, in place of the sentence in `TEXTS`.
WHAT_TO_DO: dict[str, str] = {"desk": N_("To use it again, ask the help desk.")}
# What happened, in place of the sentence in `TEXTS`, where the help desk did it.
AT_DESK: dict[type[Notice], str] = {
    AccountRecoveryBegunNotice: N_(
        "Somebody told our help desk that all your devices are lost. They can ask for an "
        "activation code from %(opens)s, with an identity card."
    ),
}
BY_DESK = N_("The help desk did this because somebody asked for it in your name.")
TODO_AT_DESK: dict[type[Notice], str] = {
    AccountRecoveryBegunNotice: N_(
        "If this was you, come to a desk with your identity card from that moment on."
    ),
}
BLOCK_ENDS = N_("The block ends by itself at %(until)s.")

HELLO = N_("Hello %(name)s,")
HELLO_ANYBODY = N_("Hello,")
WHEN = N_("When")
WITH = N_("With")
# By the reference the help desk finds the event.
REFERENCE = N_("Reference, for the help desk")
MOMENT = N_("%(date)s at %(time)s, Belgian time")
BROWSER = N_("%(browser)s on %(system)s")
NOT_ME = N_("Was this not you?")
YOUR_DEVICES = N_("My devices")
WAY_BACK = N_("All devices lost? Block them, or come back")
WHY_THIS_MAIL = N_("%(service)s sends this mail to the addresses that you gave.")
WHY_THIS_LINK = N_("%(service)s sends this mail because this address was given on its pages.")
NEVER = N_("We never ask for a code or a number by mail. You cannot answer this mail.")
