"""The support desk: finding a person, unlinking the right device, and nothing else.

Every look and every act is by a member of staff with a role for it, for a reason, and on record.
"""
